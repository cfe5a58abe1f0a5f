/** One step of the way from the actual values to the expected ones. */
export interface Difference {
  /** `removed` is in the actual values alone, `added` in the expected ones alone. */
  type: "common" | "removed" | "added";
  /** The line or word itself. */
  value: string;
  /** The words of a changed line, where it was compared word by word. */
  details?: Difference[];
}

/** Beyond this many edits a shortest way helps no reader, and its search takes quadratic memory. */
const MAX_EDITS = 2_000;

/**
 * Finds a shortest way from `actual` to `expected` by removing and adding entries.
 *
 * Source: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986).
 */
export function diff(actual: readonly string[], expected: readonly string[]): Difference[] {
  const shorter = Math.min(actual.length, expected.length);
  let start = 0;
  while (start < shorter && actual[start] === expected[start]) start++;
  let end = 0;
  while (end < shorter - start && actual.at(-1 - end) === expected.at(-1 - end)) end++;

  return [
    ...mark("common", actual.slice(0, start)),
    ...shortestEdit(
      actual.slice(start, actual.length - end),
      expected.slice(start, expected.length - end),
    ),
    ...mark("common", actual.slice(actual.length - end)),
  ];
}

function mark(type: Difference["type"], values: readonly string[]): Difference[] {
  return values.map((value) => ({ type, value }));
}

function replaceAll(actual: readonly string[], expected: readonly string[]): Difference[] {
  return [...mark("removed", actual), ...mark("added", expected)];
}

function shortestEdit(actual: readonly string[], expected: readonly string[]): Difference[] {
  if (actual.length === 0 || expected.length === 0) return replaceAll(actual, expected);

  // reached[diagonal] is how much of `actual` is used up on `diagonal` (its place minus the
  // place in `expected`); one snapshot a round leads back from the end to the start.
  const reached = new Map<number, number>([[1, 0]]);
  const rounds: Map<number, number>[] = [];
  const limit = Math.min(actual.length + expected.length, MAX_EDITS);

  for (let edits = 0; edits <= limit; edits++) {
    rounds.push(new Map(reached));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const from = previousDiagonal(reached, diagonal, edits);
      let used = (reached.get(from) ?? 0) + (from < diagonal ? 1 : 0);
      while (
        used < actual.length &&
        used - diagonal < expected.length &&
        actual[used] === expected[used - diagonal]
      ) {
        used++;
      }
      reached.set(diagonal, used);
      if (used >= actual.length && used - diagonal >= expected.length) {
        return walkBack(rounds, actual, expected);
      }
    }
  }
  return replaceAll(actual, expected);
}

/** From which neighbour a diagonal is reached furthest: one removal below it, or one addition above. */
function previousDiagonal(
  reached: ReadonlyMap<number, number>,
  diagonal: number,
  edits: number,
): number {
  if (diagonal === -edits) return diagonal + 1;
  if (diagonal === edits) return diagonal - 1;
  const byRemoval = reached.get(diagonal - 1) ?? 0;
  const byAddition = reached.get(diagonal + 1) ?? 0;
  return byRemoval < byAddition ? diagonal + 1 : diagonal - 1;
}

function walkBack(
  rounds: readonly ReadonlyMap<number, number>[],
  actual: readonly string[],
  expected: readonly string[],
): Difference[] {
  const way: Difference[] = [];
  let used = actual.length;
  let made = expected.length;

  for (const [edits, reached] of [...rounds.entries()].reverse()) {
    const diagonal = used - made;
    const from = previousDiagonal(reached, diagonal, edits);
    const fromUsed = edits === 0 ? 0 : (reached.get(from) ?? 0);
    const fromMade = edits === 0 ? 0 : fromUsed - from;
    while (used > fromUsed && made > fromMade) {
      used--;
      made--;
      way.push(...mark("common", actual.slice(used, used + 1)));
    }
    if (used > fromUsed) way.push(...mark("removed", actual.slice(fromUsed, used)));
    if (made > fromMade) way.push(...mark("added", expected.slice(fromMade, made)));
    used = fromUsed;
    made = fromMade;
  }
  return way.reverse();
}
