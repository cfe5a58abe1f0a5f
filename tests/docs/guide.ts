import { type CodeBlock, readBlocks } from "./markdown_blocks.ts";

/** Pictures, and configuration of programs that the tests don't have. */
const UNCHECKED = new Set(["mermaid", "dockerfile", "ini", "nginx", "yaml"]);

/** A command that a guide shows, to be run against the guide's running service. */
export interface Command {
  readonly text: string;
  readonly line: number;
  /** What the guide shows as its output; undefined where it shows none. */
  readonly answer: string | undefined;
}

/** One file of a guide's examples. */
export interface Program {
  /** Such as `report.ts`. */
  readonly file: string;
  /** Each line has the number that it has in the guide. */
  readonly source: string;
  /** What the guide shows as its output; undefined where it shows none. */
  readonly output: string | undefined;
  /** Those for which it is the running service. */
  readonly commands: readonly Command[];
}

const HEADING = /^\/\/ ([\w.-]+\.ts)(, continued)?$/;
const PRINTS = /\/\/ prints: (.*)$/gm;

/**
 * The programs of a guide.
 *
 * - A `ts` block begins with `// NAME.ts`, or `// NAME.ts, continued` where it goes on with that
 *   file.
 * - A file's output is what its `// prints: ` comments and the `text` blocks right behind its
 *   blocks show, from top to bottom.
 * - A `curl` command of an `sh` block is for the file last named above it, which is then a service.
 *   Its answer is in the comment lines below it, or in a `json` block behind the `sh` block.
 * - A `mermaid` block is a drawing.
 *
 * @throws {Error} where a block keeps to none of this.
 */
export function readGuide(markdown: string): Program[] {
  const programs = new Map<string, ProgramReader>();
  let latest: ProgramReader | undefined;
  let previous: CodeBlock | undefined;
  for (const block of readBlocks(markdown)) {
    if (block.language === "ts") {
      const [heading = ""] = block.text.split("\n");
      const [, file, continued] = HEADING.exec(heading) ?? [];
      if (file === undefined) throw new Error(`Line ${block.line} names no file: "// NAME.ts"`);
      const known = programs.get(file);
      if ((known === undefined) !== (continued === undefined)) {
        throw new Error(
          `Line ${block.line}: ${file} ${known ? "was begun" : "is not begun"} above`,
        );
      }
      latest = known ?? new ProgramReader(file);
      programs.set(file, latest);
      latest.addSource(block);
    } else if (block.language === "sh") {
      for (const command of readCommands(block)) {
        // One that stands above every program, such as how to install, is nobody's.
        latest?.commands.push(command);
      }
    } else if (block.language === "text" && previous?.language === "ts") {
      latest?.output.push(block.text);
    } else if (block.language === "json" && previous?.language === "sh") {
      latest?.answerLast(block.text);
    } else if (!UNCHECKED.has(block.language)) {
      throw new Error(`Line ${block.line}: what is this ${block.language} block checked by?`);
    }
    previous = block;
  }
  return [...programs.values()].map((program) => program.read());
}

class ProgramReader {
  readonly output: string[] = [];
  readonly commands: Command[] = [];
  readonly #file: string;
  #source = "";

  constructor(file: string) {
    this.#file = file;
  }

  addSource({ text, line }: CodeBlock): void {
    const lines = this.#source.split("\n").length;
    this.#source += `${"\n".repeat(line - lines)}${text}\n`;
    for (const [, shown = ""] of text.matchAll(PRINTS)) this.output.push(shown);
  }

  answerLast(answer: string): void {
    const command = this.commands.pop();
    if (command?.answer !== undefined) throw new Error(`Line ${command.line} has two answers`);
    if (command !== undefined) this.commands.push({ ...command, answer });
  }

  read(): Program {
    return {
      file: this.#file,
      source: this.#source,
      output: this.output.length === 0 ? undefined : this.output.join("\n"),
      commands: this.commands,
    };
  }
}

function readCommands(block: CodeBlock): Command[] {
  const lines = block.text.split("\n");
  const commands: Command[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = block.line + index;
    let text = lines[index] ?? "";
    if (!text.startsWith("curl ")) continue;
    while (text.endsWith("\\")) text = `${text.slice(0, -1)}${lines[++index]?.trimStart() ?? ""}`;
    const answer: string[] = [];
    while (lines[index + 1]?.startsWith("# ")) answer.push(lines[++index]?.slice(2) ?? "");
    commands.push({ text, line, answer: answer.length === 0 ? undefined : answer.join("\n") });
  }
  return commands;
}
