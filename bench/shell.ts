// runShell("true") against bare Bun.spawn of the same shell with its output read.
import { runShell } from "../lib/mod.ts";
import { median } from "./median.ts";

const ROUNDS = 15;
const RUNS = 100;

async function bareSpawn(): Promise<void> {
  const child = Bun.spawn(["sh", "-c", "true"], { stdout: "pipe", stderr: "pipe" });
  await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
}

async function time(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  for (let index = 0; index < RUNS; index++) await run();
  return (performance.now() - start) / RUNS;
}

const bare: number[] = [];
const ours: number[] = [];
await time(bareSpawn);
await time(() => runShell("true"));
for (let round = 0; round < ROUNDS; round++) {
  bare.push(await time(bareSpawn));
  ours.push(await time(() => runShell("true")));
}
console.log(`runShell("true"), one after the other, medians of ${ROUNDS} rounds`);
console.table([
  { run: "bare Bun.spawn", "ms a run": median(bare).toFixed(3), "times bare": "1.000" },
  {
    run: "runShell",
    "ms a run": median(ours).toFixed(3),
    "times bare": (median(ours) / median(bare)).toFixed(3),
  },
]);
