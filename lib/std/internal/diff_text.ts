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
  const [fewer, candidates] = added.length < removed.length ? [added, removed] : [removed, added];

  for (const line of fewer) {
    const partner = takePartner(line, candidates);
    if (partner === undefined) break;
    const [from, to] = line.type === "removed" ? [line, partner] : [partner, line];
    const details = diffWords(from, to);
    from.details = detailsOf("removed", details);
    to.details = detailsOf("added", details);
  }
  return differences;
}

/** Takes the next candidate that has a word in common with a line, or the last there is. */
function takePartner(line: Difference, candidates: Difference[]): Difference | undefined {
  const isWord = ({ type, value }: Difference): boolean => type === "common" && /\S/.test(value);
  const index = candidates.findIndex((candidate) => diffWords(line, candidate).some(isWord));
  return candidates.splice(0, index === -1 ? candidates.length : index + 1).at(-1);
}

function diffWords(from: Difference, to: Difference): Difference[] {
  return diff(from.value.split(WORDS).filter(Boolean), to.value.split(WORDS).filter(Boolean));
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
