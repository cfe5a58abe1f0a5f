/** Where a value is on a drawing. */
export type Scale = (value: number) => number;

/** Maps `[from, to]` to `[start, end]`, which may run the other way. */
export function linearScale(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): Scale {
  return (value) => start + ((value - from) / (to - from)) * (end - start);
}

/** Round values from `low` or less to `high` or more, about so many: what an axis is labelled with. */
export function ticks(low: number, high: number, about = 5): number[] {
  // Where all is the same, some room is left around it.
  const rough = (high - low || 1) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  return Array.from({ length: last - first + 1 }, (_, index) =>
    // Without what rounding leaves behind.
    Number(((first + index) * step).toPrecision(12)),
  );
}
