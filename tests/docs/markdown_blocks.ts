/** A fenced code block of a Markdown file. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  /** The number of its first line in the file, counted from 1. */
  readonly line: number;
}

/** All fenced code blocks, in order. */
export function readBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { language: string; lines: string[]; line: number } | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    if (open === undefined) {
      const language = /^```(\w*)/.exec(line)?.[1];
      if (language !== undefined) open = { language, lines: [], line: index + 2 };
    } else if (line === "```") {
      blocks.push({ language: open.language, text: open.lines.join("\n"), line: open.line });
      open = undefined;
    } else {
      open.lines.push(line);
    }
  }
  if (open !== undefined) throw new Error(`The code block at line ${open.line} has no end`);
  return blocks;
}
