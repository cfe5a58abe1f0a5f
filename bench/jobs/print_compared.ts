import { median } from "../median.ts";
import type { Compared } from "./compare.ts";
import type { MeasureName } from "./measures.ts";

const TITLES: Readonly<Record<MeasureName, string>> = {
  addedOneByOne: "added one by one, jobs/s",
  addedAtOnce: "added at once, each awaited, jobs/s",
  addedInBulk: "added in bulk, jobs/s",
  worked: "worked, jobs/s",
  addedAndWorked: "added and worked, jobs/s",
  started: "submit to start on an idle queue, ms (median)",
};

export function printCompared(compared: Compared): void {
  for (const [name, figures] of compared) {
    console.log(`\n${name}`);
    for (const [measure, title] of Object.entries(TITLES)) {
      const value = median(figures[measure as MeasureName].flat());
      console.log(`  ${title}: ${value < 10 ? value.toFixed(2) : Math.round(value)}`);
    }
  }
}
