import { ShellQuotingError } from "./errors.ts";
import { type QuotingContext, QuotingScanner } from "./quoting_scanner.ts";

/** A value that {@linkcode shell} quotes: one word, or for an array one word for each element. */
export type ShellValue = string | number | readonly (string | number)[];

/**
 * Template tag that makes a command for `runShell`, with every value quoted so that a POSIX shell
 * takes it as it is, whatever it contains.
 *
 * A value becomes one word, and an array one word for each element (none for an empty array). The
 * values bring their own quotes, so they stand bare in the template; one inside quotes,
 * backquotes, a comment or a here-document, where quoting would not protect it, is refused.
 *
 * The text between the values reaches the shell as it is written, backslashes included (as with
 * `String.raw`). Only `` \` `` and `\${` lose their backslash, since a template has no other way to
 * hold these characters.
 *
 * @see {@link https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02 | POSIX, Shell Command Language, 2.2 Quoting}
 * @throws {ShellQuotingError} if a value contains a NUL byte, which no argument can hold; if it is
 * no string, number or array of these; or if it stands where it can't be quoted.
 *
 * @example
 * ```ts
 * import { runShell, shell } from "taskmount";
 *
 * const files = ["a.txt", "it's b.txt"];
 * const command = shell`tar czf ${"my backup.tgz"} ${files}`;
 * // tar czf 'my backup.tgz' 'a.txt' 'it'\''s b.txt'
 * const { returncode } = await runShell(command);
 * ```
 */
export function shell(strings: TemplateStringsArray, ...values: ShellValue[]): string {
  const scanner = new QuotingScanner();
  let command = "";
  for (const [index, raw] of strings.raw.entries()) {
    const text = unescapeTemplate(raw);
    command += text;
    if (index === values.length) break;
    const context = scanner.scan(text);
    if (context !== "bare") throw new ShellQuotingError(index, misplaced[context]);
    const words = quoteValue(index, values[index]);
    command += words;
    if (words !== "") scanner.skipWord();
  }
  return command;
}

const misplaced: Record<Exclude<QuotingContext, "bare">, string> = {
  "single quotes":
    "it stands inside single quotes. Take them away: each value is quoted by itself.",
  "double quotes":
    "it stands inside double quotes. Take them away: each value is quoted by itself.",
  backquotes: "it stands inside backquotes, which quotes don't hold off. Use $(...) instead.",
  arithmetic:
    "it stands in $((...)), where quotes don't hold off expansion. Hand it over in `env`, and name the variable.",
  comment: "it stands in a comment, which a line break in the value would end.",
  "here-document":
    "it stands in or after a here-document, where quotes mean nothing. Hand it over in `env`, or put it on the line of the `<<`.",
};

/** Takes back the two escapes that the template literal itself asks for. */
function unescapeTemplate(raw: string): string {
  return raw.replace(/\\(`|\$\{)/g, "$1");
}

function quoteValue(index: number, value: unknown): string {
  if (!Array.isArray(value)) return quoteWord(index, value);
  return value.map((word: unknown) => quoteWord(index, word)).join(" ");
}

function quoteWord(index: number, word: unknown): string {
  if (typeof word !== "string" && typeof word !== "number") {
    const kind = word === null ? "null" : typeof word;
    throw new ShellQuotingError(
      index,
      `it is ${kind}, not a string, a number or an array of them.`,
    );
  }
  const text = String(word);
  if (text.includes("\0")) {
    throw new ShellQuotingError(index, "it contains a NUL byte, which no argument can hold.");
  }
  return `'${text.replaceAll("'", "'\\''")}'`;
}
