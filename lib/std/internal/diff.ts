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
 * Where some are removed and some added in one place, those of the longer side come first.
 *
 * Source: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986).
 */
export function diff(actual: readonly string[], expected: readonly string[]): Difference[] {
  if (expected.length > actual.length) return diff(expected, actual).map(turnAround);

  let start = 0;
  while (start < expected.length && actual[start] === expected[start]) start++;
  let end = 0;
  while (end < expected.length - start && actual.at(-1 - end) === expected.at(-1 - end)) end++;

  return [
    ...mark("common", actual.slice(0, start)),
    ...shortestEdit(
      actual.slice(start, actual.length - end),
      expected.slice(start, expected.length - end),
    ),
    ...mark("common", actual.slice(actual.length - end)),
  ];
}

function turnAround({ type, value }: Difference): Difference {
  if (type === "common") return { type, value };
  return { type: type === "removed" ? "added" : "removed", value };
}

function mark(type: Difference["type"], values: readonly string[]): Difference[] {
  return values.map((value) => ({ type, value }));
}

function replaceAll(actual: readonly string[], expected: readonly string[]): Difference[] {
  return [...mark("removed", actual), ...mark("added", expected)];
}

function shortestEdit(actual: readonly string[], expected: readonly string[]): Difference[] {
  if (actual.length === 0 || expected.length === 0) return replaceAll(actual, expected);

  // For each diagonal (the place in `actual` minus the place in `expected`): how much of `actual`
  // is used up there. One snapshot a round leads back from the end to the start.
  const limit = Math.min(actual.length + expected.length, MAX_EDITS);
  const reached = new Frontier(new Int32Array(2 * limit + 3));
  const rounds: Frontier[] = [];

  for (let edits = 0; edits <= limit; edits++) {
    rounds.push(reached.around(edits + 1));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const from = reached.neighbour(diagonal, edits);
      let used = reached.get(from) + (from < diagonal ? 1 : 0);
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

function walkBack(
  rounds: readonly Frontier[],
  actual: readonly string[],
  expected: readonly string[],
): Difference[] {
  const way: Difference[] = [];
  let used = actual.length;
  let made = expected.length;

  for (const [edits, reached] of [...rounds.entries()].reverse()) {
    const from = reached.neighbour(used - made, edits);
    const fromUsed = edits === 0 ? 0 : reached.get(from);
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

/** How far each diagonal has come, the diagonal 0 in the middle. */
class Frontier {
  readonly #values: Int32Array;
  readonly #middle: number;

  constructor(values: Int32Array) {
    this.#values = values;
    this.#middle = (values.length - 1) / 2;
  }

  get(diagonal: number): number {
    return this.#values[this.#middle + diagonal] ?? 0;
  }

  set(diagonal: number, used: number): void {
    this.#values[this.#middle + diagonal] = used;
  }

  /** A copy of the diagonals from `-radius` to `radius`. */
  around(radius: number): Frontier {
    return new Frontier(this.#values.slice(this.#middle - radius, this.#middle + radius + 1));
  }

  /** The neighbour that leads furthest: below by removing an entry, above by adding one. */
  neighbour(diagonal: number, edits: number): number {
    if (diagonal === -edits) return diagonal + 1;
    if (diagonal === edits) return diagonal - 1;
    return this.get(diagonal - 1) < this.get(diagonal + 1) ? diagonal + 1 : diagonal - 1;
  }
}
