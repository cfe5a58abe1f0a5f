import { assert, fail } from "@std/assert";
import { isAsShown } from "./expectation.ts";
import type { Command, Program } from "./guide.ts";

/** The port that guides show. It may be taken, so that programs are run with another. */
const SHOWN_PORT = /\b8000\b/g;
const ADDRESS = /https?:\/\/[\w.[\]:]+:(\d+)/;
const SEPARATOR = "\u001e";
/** Milliseconds, for a program that should have ended by itself. */
const PATIENCE = 30_000;

/** The source of a program as it is run: where it is a service, on a port that is free. */
export function runnableSource({ source, commands }: Program): string {
  return commands.length === 0 ? source : source.replaceAll(SHOWN_PORT, "0");
}

/**
 * Runs a program that {@linkcode runnableSource} was written for, and the commands that are for it.
 *
 * @throws {AssertionError} where it fails, or shows something else than its guide.
 */
export async function assertRunsAsShown(program: Program, folder: string): Promise<void> {
  const { file, output, commands } = program;
  const isTest = file.endsWith("_test.ts");
  await using child = start(["bun", ...(isTest ? ["test"] : []), `./${file}`], folder);
  const stdout = new Output(child.process.stdout);
  const stderr = new Response(child.process.stderr).text();
  let port: string | undefined;
  if (commands.length > 0) {
    port = await stdout.find(ADDRESS);
    if (port === undefined) fail(`${file} says no address:\n${await stderr}`);
    await assertAnswersAsShown(commands, port, folder);
    child.process.kill("SIGTERM");
  }
  const printed = await stdout.rest();
  await child.process.exited;
  const { exitCode, signalCode } = child.process;
  const stopped = port !== undefined && signalCode === "SIGTERM";
  assert(exitCode === 0 || stopped, `${file} ended with ${exitCode}:\n${printed}${await stderr}`);
  if (output === undefined || isTest) return;
  const shown = port === undefined ? output : output.replaceAll(SHOWN_PORT, port);
  assert(isAsShown(printed, shown), `${file} prints\n${printed}\nand not\n${shown}`);
}

async function assertAnswersAsShown(
  commands: readonly Command[],
  port: string,
  folder: string,
): Promise<void> {
  const onPort = (text: string) => text.replaceAll(SHOWN_PORT, port);
  const script = commands.map(({ text }) => `${onPort(text)} || exit\nprintf '${SEPARATOR}'\n`);
  await using child = start(["sh", "-c", script.join("")], folder);
  const [answers, errors] = await Promise.all([
    new Response(child.process.stdout).text(),
    new Response(child.process.stderr).text(),
  ]);
  const given = answers.split(SEPARATOR);
  for (const [index, { text, line, answer }] of commands.entries()) {
    assert(index < given.length - 1, `The command at line ${line} failed: ${text}\n${errors}`);
    if (answer === undefined) continue;
    const actual = given[index] ?? "";
    const shown = onPort(answer);
    assert(isAsShown(actual, shown), `Line ${line} is answered\n${actual}\nand not\n${shown}`);
  }
}

/** A child process that is killed, at the latest, at the end of the scope. */
function start(command: string[], cwd: string) {
  // Not that of `bun test`, whose NODE_ENV is "test".
  const { NODE_ENV: _, FORCE_COLOR: __, ...environment } = process.env;
  const child = Bun.spawn(command, {
    cwd,
    // A service that leaves its port to Bun gets one that is free.
    env: { ...environment, BUN_PORT: "0", NO_COLOR: "1", TZ: "UTC" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: PATIENCE,
  });
  return {
    process: child,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** What a process prints, as it comes. */
class Output {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Reads on until `pattern` matches, and gives its first group; undefined at the end. */
  async find(pattern: RegExp): Promise<string | undefined> {
    for (;;) {
      const found = pattern.exec(this.#text)?.[1];
      if (found !== undefined || !(await this.#read())) return found;
    }
  }

  /** Everything, from the beginning to the end. */
  async rest(): Promise<string> {
    while (await this.#read());
    return this.#text;
  }

  async #read(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done) return false;
    this.#text += this.#decoder.decode(value, { stream: true });
    return true;
  }
}
