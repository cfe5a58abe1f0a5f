// Artifacts, against bare bun:sqlite: medians of interleaved rounds, each run a process of its own.
// `bun bench/artifacts.ts`; with a number, that many MiB rather than 1,024 go in and out.
import { join } from "node:path";
import { median } from "./median.ts";

type Figures = Record<string, number>;

const ROUNDS = 5;
const [, , size = "1024"] = process.argv;

async function run(program: string, ...args: string[]): Promise<Figures> {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "artifacts", program), ...args],
    { stdout: "pipe", stderr: "inherit" },
  );
  return await child.stdout.json();
}

/** The medians of both, and of their ratios within a round. */
async function against(program: string, ...args: string[]): Promise<void> {
  const rounds: { bare: Figures; taskmount: Figures }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const bare = await run(program, "bare", ...args);
    rounds.push({ bare, taskmount: await run(program, "taskmount", ...args) });
  }
  for (const figure of Object.keys(rounds[0]?.bare ?? {})) {
    const of = (name: "bare" | "taskmount") => rounds.map((round) => round[name][figure] ?? 0);
    const bare = of("bare");
    const taskmount = of("taskmount");
    const ratios = taskmount.map((value, round) => value / (bare[round] ?? 0));
    console.log(
      `  ${figure}: bare ${Math.round(median(bare))}, taskmount ${Math.round(median(taskmount))}, ratio ${median(ratios).toFixed(2)}`,
    );
  }
}

console.log("\nJSON of 1 KB, one after the other, a second");
await against("small.ts");
console.log(`\n${size} MiB as a stream, MiB/s, and the greatest resident memory, MiB`);
await against("large.ts", size);
const { first = 0, tree = 0, move = 0 } = await run("tree.ts");
console.log("\na tree of 10,000 nodes, ms");
console.log(
  `  read ${tree.toFixed(1)} (the first time ${first.toFixed(1)}), moved ${move.toFixed(1)}`,
);
