// Jobs that do nothing, against the peers, and what becomes of idle, full and long-lived services.
// `bun bench/jobs.ts` measures all, `bun bench/jobs.ts soak` one part: compare, between, idle, records or soak.
import { compare } from "./jobs/compare.ts";
import { printGoals, type Results } from "./jobs/goals.ts";
import { PARTS, type PartName, runPart } from "./jobs/parts.ts";
import { printCompared } from "./jobs/print_compared.ts";

const names = ["compare", ...(Object.keys(PARTS) as PartName[])] as const;
const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => names.every((known) => known !== name));
if (unknown !== undefined) {
  console.error(`Cannot measure ${unknown}: there are ${names.join(", ")}`);
  process.exit(1);
}

let results: Results = {};
for (const name of names) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n== ${name}`);
  if (name === "compare") {
    results = { ...results, compare: await compare() };
    printCompared(results.compare ?? new Map());
  } else results = { ...results, [name]: await runPart(name) };
}
printGoals(results);
process.exit();
