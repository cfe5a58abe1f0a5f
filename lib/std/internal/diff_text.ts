import { type Difference, diff } from "./diff.ts";

const ESCAPES: Record<string, string> = {
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\t": "\\t",
  "\v": "\\v",
  "\r": "\\r",
  "\n": "\\n\n",
  "\r\n": "\\r\\n\r\n",
};

/** White space and its escapes, line ends, brackets and quotes, and the borders of words. */
const WORDS = /((?:\\[bftv]|[^\S\r\n])+|\\[rn\\]|[()[\]{}'"\r\n]|\b)/;

/**
 * Compares two texts line by line, and word by word within the lines that replace one another.
 *
 * Characters that are not seen are shown as their escapes.
 */
export function diffText(actual: string, expected: string): Difference[] {
  const differences = diff(lines(actual), lines(expected));
  const removed = differences.filter(({ type }) => type === "removed");
  const added = differences.filter(({ type }) => type === "added");

  for (const line of removed) {
    const words = line.value.split(WORDS).filter(Boolean);
    for (let other = added.shift(); other; other = added.shift()) {
      const details = diff(words, other.value.split(WORDS).filter(Boolean));
      line.details = detailsOf("removed", details);
      other.details = detailsOf("added", details);
      if (details.some(({ type, value }) => type === "common" && value.trim() !== "")) break;
    }
  }
  return differences;
}

function lines(text: string): string[] {
  const visible = text.replace(/\r\n|[\\\b\f\t\v\r\n]/g, (match) => ESCAPES[match] ?? match);
  return `${visible}\n`.split(/(?<=\n)/);
}

function detailsOf(side: "removed" | "added", words: readonly Difference[]): Difference[] {
  const own = words.filter(({ type }) => type === side || type === "common");
  return own.map((word, index) => {
    // White space between two changed words reads better as part of the change.
    const between = own[index - 1]?.type === side && own[index + 1]?.type === side;
    return between && /^\s+$/.test(word.value) ? { type: side, value: word.value } : word;
  });
}
