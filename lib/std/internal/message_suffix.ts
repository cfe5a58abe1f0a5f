/** How a failure message ends: with the caller's own words, or with a full stop. */
export function messageSuffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : ".";
}
