import { type InspectOptions, inspect } from "node:util";

const OPTIONS: InspectOptions = {
  // One entry a line, in a fixed order, nothing left out: two renderings can be compared by line.
  compact: false,
  sorted: true,
  depth: Number.POSITIVE_INFINITY,
  maxArrayLength: Number.POSITIVE_INFINITY,
  maxStringLength: Number.POSITIVE_INFINITY,
  getters: true,
};

/** Renders any value as text for a failure message, with sorted keys and one entry a line. */
export function format(value: unknown): string {
  return inspect(value, OPTIONS);
}
