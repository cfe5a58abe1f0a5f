import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { defineTask, TaskContext } from "taskmount";
import * as v from "valibot";
import { type Description, describe } from "../csv/describe.ts";
import { readTable } from "../csv/read_table.ts";

/** The sample file, as seen from where the example was started. */
const SAMPLE = relative(
  process.cwd(),
  fileURLToPath(new URL("../data/seattle-weather.csv", import.meta.url)),
);

/** Tells of a CSV file what pandas' `read_csv()` and `describe()` would. */
export const processCsv = defineTask("process_csv", {
  description: "Reads a CSV file and sums up its numeric columns.",
  tags: ["data", "processing"],
  params: v.object({ filepath: v.optional(v.pipe(v.string(), v.nonEmpty()), SAMPLE) }),
  inject: [TaskContext],
  run: async ({ filepath }, context) => {
    const { rows, columns } = await readTable(filepath, { signal: context.signal });
    const summary = new Map<string, Description>();
    for (const { name, numbers } of columns) {
      if (numbers !== undefined) summary.set(name, describe(numbers));
    }
    return {
      rows,
      columns: columns.map(({ name }) => name),
      summary: Object.fromEntries(summary),
    };
  },
});
