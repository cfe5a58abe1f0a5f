/** Milliseconds since 1970 with their fractions, by a clock that two processes can compare. */
export function timeOfDay(): number {
  return performance.timeOrigin + performance.now();
}
