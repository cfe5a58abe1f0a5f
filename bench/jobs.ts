// Jobs that do nothing, against the peers: medians of interleaved rounds. `bun bench/jobs.ts`.
import { compare } from "./jobs/compare.ts";
import { median } from "./median.ts";

const TITLES = {
  addedOneByOne: "added one by one, jobs/s",
  addedAtOnce: "added at once, each awaited, jobs/s",
  addedInBulk: "added in bulk, jobs/s",
  worked: "worked, jobs/s",
  addedAndWorked: "added and worked, jobs/s",
  started: "submit to start on an idle queue, ms (median)",
} as const;

const compared = await compare();
for (const [name, figures] of compared) {
  console.log(`\n${name}`);
  for (const [measure, title] of Object.entries(TITLES)) {
    const values = figures[measure as keyof typeof TITLES].flat();
    const value = median(values);
    console.log(`  ${title}: ${value < 10 ? value.toFixed(2) : Math.round(value)}`);
  }
}
process.exit();
