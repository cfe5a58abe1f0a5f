import { type Difference, diff } from "./diff.ts";
import { diffText } from "./diff_text.ts";
import { format } from "./format.ts";
import { bold, gray, green, onGreen, onRed, red, white } from "./style.ts";

const SIGN = { common: "    ", removed: "-   ", added: "+   " };
const LINE = {
  common: white,
  removed: (text: string): string => red(bold(text)),
  added: (text: string): string => green(bold(text)),
};
const WORD = {
  common: (text: string): string => text,
  removed: (text: string): string => onRed(white(text)),
  added: (text: string): string => onGreen(white(text)),
};

/** Shows where two values differ: two texts as they are, everything else as rendered. */
export function diffMessage(actual: unknown, expected: unknown): string {
  const head = `    ${gray(bold("[Diff]"))} ${red(bold("Actual"))} / ${green(bold("Expected"))}`;
  return ["", "", head, "", "", body(actual, expected), ""].join("\n");
}

function body(actual: unknown, expected: unknown): string {
  if (typeof actual === "string" && typeof expected === "string") {
    return diffText(actual, expected).map(line).join("");
  }
  return diff(format(actual).split("\n"), format(expected).split("\n")).map(line).join("\n");
}

function line({ type, value, details }: Difference): string {
  const text = details?.map((word) => WORD[word.type](word.value)).join("") ?? value;
  return LINE[type](SIGN[type] + text);
}
