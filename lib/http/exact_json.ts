/** What ECMAScript has of JSON and TypeScript's types lack: https://tc39.es/proposal-json-parse-with-source/ */
const { rawJSON, isRawJSON } = JSON as JSON & {
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
};

/** A number with more digits than JavaScript holds, or written as it would not write it. */
const UNUSUAL_NUMBER = /\d{16}|\d[.eE]|-0/;

/**
 * As `JSON.parse()`, but a number that JavaScript would write in another way
 * (12345678901234567890, 1.0, -0) becomes a raw one, which `JSON.stringify()`
 * writes as it was.
 *
 * @throws {SyntaxError}
 */
export function parseExactly(text: string): unknown {
  if (!UNUSUAL_NUMBER.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source;
    if (typeof value !== "number" || source === undefined) return value;
    return JSON.stringify(value) === source ? value : rawJSON(source);
  });
}

/** Whether a value stands for a number of `parseExactly()`. */
export function isRawNumber(value: unknown): boolean {
  return isRawJSON(value);
}
