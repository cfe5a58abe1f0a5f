/** Where in a command a word would stand. Only a `bare` one is protected by quotes of its own. */
export type QuotingContext =
  | "bare"
  | "single quotes"
  | "double quotes"
  | "backquotes"
  | "arithmetic"
  | "comment"
  | "here-document";

type Nesting = "substitution" | "parenthesis" | "arithmetic" | "backquotes" | "double quotes";

/**
 * Follows the quotes of a shell command piece by piece, to tell where each piece ends.
 *
 * It knows quotes, escapes, comments, command substitutions inside double quotes and the start of
 * a here-document. It is no parser: a here-document's end isn't looked for, so whatever comes
 * after its first line counts as its body.
 */
export class QuotingScanner {
  readonly #nesting: Nesting[] = [];
  #inSingleQuotes = false;
  #inComment = false;
  #escaped = false;
  #hereDocument: "none" | "announced" | "begun" = "none";
  #previous = "\n";

  /** Reads on, and tells where a word put behind `text` would stand. */
  scan(text: string): QuotingContext {
    for (const character of text) this.#step(character);
    if (this.#hereDocument === "begun") return "here-document";
    if (this.#inSingleQuotes) return "single quotes";
    if (this.#inComment) return "comment";
    if (this.#nesting.includes("backquotes")) return "backquotes";
    if (this.#isInArithmetic) return "arithmetic";
    return this.#innermost === "double quotes" ? "double quotes" : "bare";
  }

  /** Notes that a quoted word was put here, so that a `#` right behind it starts no comment. */
  skipWord(): void {
    this.#previous = "'";
  }

  /** In `$((…))` the shell expands what stands there, whatever quotes are around it. */
  get #isInArithmetic(): boolean {
    return this.#nesting.findLast((nesting) => nesting !== "parenthesis") === "arithmetic";
  }

  get #innermost(): Nesting | undefined {
    return this.#nesting.at(-1);
  }

  #step(character: string): void {
    const previous = this.#previous;
    this.#previous = character;
    if (this.#escaped) {
      this.#escaped = false;
      // Even an escaped space is part of a word, but an escaped line break is nothing at all.
      this.#previous = character === "\n" ? previous : "\\";
    } else if (this.#inSingleQuotes) {
      this.#inSingleQuotes = character !== "'";
    } else if (this.#inComment) {
      if (character === "\n") this.#endLine();
    } else {
      this.#stepUnquoted(character, previous);
    }
  }

  #stepUnquoted(character: string, previous: string): void {
    const inDoubleQuotes = this.#innermost === "double quotes";
    if (character === "\\") {
      this.#escaped = true;
      this.#previous = previous;
    } else if (character === '"') this.#toggle("double quotes");
    else if (character === "`") this.#toggle("backquotes");
    else if (character === "(" && previous === "$") this.#nesting.push("substitution");
    else if (inDoubleQuotes) return;
    else if (character === "'") this.#inSingleQuotes = true;
    else if (character === "(") this.#open(previous);
    else if (character === ")") this.#nesting.pop();
    else if (character === "#") this.#inComment = startsWord(previous);
    else if (character === "<" && previous === "<") this.#announceHereDocument();
    else if (character === "\n") this.#endLine();
  }

  #toggle(quotes: "double quotes" | "backquotes"): void {
    if (this.#innermost === quotes) this.#nesting.pop();
    else this.#nesting.push(quotes);
  }

  #open(previous: string): void {
    const arithmetic = previous === "(" && this.#innermost === "substitution";
    this.#nesting.push(arithmetic ? "arithmetic" : "parenthesis");
  }

  #announceHereDocument(): void {
    if (this.#hereDocument === "none" && this.#innermost !== "arithmetic") {
      this.#hereDocument = "announced";
    }
  }

  #endLine(): void {
    this.#inComment = false;
    if (this.#hereDocument === "announced") this.#hereDocument = "begun";
  }
}

function startsWord(previous: string): boolean {
  return /[\s;&|()<>`]/.test(previous);
}
