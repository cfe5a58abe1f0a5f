/** What sums up a column of numbers. What is undefined, such as the mean of none, is null. */
export interface Description {
  count: number;
  mean: number | null;
  /** The standard deviation of a sample: over n - 1. */
  std: number | null;
  min: number | null;
  "25%": number | null;
  "50%": number | null;
  "75%": number | null;
  max: number | null;
}

/** Gives the figures of pandas' `describe()`, between two values by linear interpolation. */
export function describe(numbers: readonly number[]): Description {
  // A typed array sorts by value, without a call for each comparison.
  const sorted = Float64Array.from(numbers).sort();
  const mean = meanOf(sorted);
  return {
    count: sorted.length,
    mean: finite(mean),
    std: finite(standardDeviation(sorted, mean)),
    min: finite(quantile(sorted, 0)),
    "25%": finite(quantile(sorted, 0.25)),
    "50%": finite(quantile(sorted, 0.5)),
    "75%": finite(quantile(sorted, 0.75)),
    max: finite(quantile(sorted, 1)),
  };
}

function meanOf(numbers: Float64Array): number {
  return sum(numbers, (number) => number) / numbers.length;
}

/** In two passes, since sums of squares lose what matters where the numbers are large. */
function standardDeviation(numbers: Float64Array, mean: number): number {
  if (numbers.length < 2) return Number.NaN;
  return Math.sqrt(sum(numbers, (number) => (number - mean) ** 2) / (numbers.length - 1));
}

/** Kahan's summation: what rounding takes from the total comes back with the next term. */
function sum(numbers: Float64Array, termOf: (number: number) => number): number {
  let total = 0;
  let excess = 0;
  for (const number of numbers) {
    const term = termOf(number) - excess;
    const next = total + term;
    excess = next - total - term;
    total = next;
  }
  return total;
}

/** NaN where there are no numbers. */
function quantile(sorted: Float64Array, fraction: number): number {
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  const between = position % 1;
  if (between === 0) return below;
  // From the nearer of the two, as numpy does it, so that even the last digit agrees.
  return between < 0.5
    ? below + (above - below) * between
    : above - (above - below) * (1 - between);
}

/** JSON has no NaN and no infinity. */
function finite(number: number): number | null {
  return Number.isFinite(number) ? number : null;
}
