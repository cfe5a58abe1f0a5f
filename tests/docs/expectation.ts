/** In what a guide shows, this stands for anything. */
const ANYTHING = "…";

/**
 * What is shown, ready to compare: JSON without its white space, and anything else as it is.
 * Where it is JSON, a string that is only `…` stands for any value.
 */
export function normalize(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    // It is no JSON, so it is compared as text.
    return text.trimEnd();
  }
}

/** Whether `actual` is what a guide shows, after {@linkcode normalize} of both. */
export function isAsShown(actual: string, shown: string): boolean {
  const pattern = normalize(shown)
    .split(new RegExp(`"${ANYTHING}"|${ANYTHING}`))
    .map((text) => RegExp.escape(text))
    .join("[^]*");
  return new RegExp(`^${pattern}$`).test(normalize(actual));
}
