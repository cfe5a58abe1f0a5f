import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ArtifactManager, defineTask, TaskContext } from "taskmount";
import * as v from "valibot";
import { drawWeather } from "../weather/chart.ts";
import { readMonths } from "../weather/read_months.ts";

/** The sample file, as seen from where the example was started. */
const SAMPLE = relative(
  process.cwd(),
  fileURLToPath(new URL("../data/seattle-weather.csv", import.meta.url)),
);

/** Draws a CSV file of daily weather, and keeps the image as an artifact. */
export const plotWeather = defineTask("plot_weather", {
  description: "Plots daily weather of a CSV file by months, as an SVG image to download.",
  tags: ["data", "plot"],
  params: v.object({
    filepath: v.optional(v.pipe(v.string(), v.nonEmpty()), SAMPLE),
    title: v.optional(v.string(), "Weather in Seattle"),
  }),
  inject: [ArtifactManager, TaskContext],
  run: async ({ filepath, title }, artifacts, { signal }) => {
    const months = await readMonths(filepath, { signal });
    const svg = drawWeather(months, {
      title,
      source: "Source: NOAA, Global Historical Climatology Network daily",
    });
    const image = await artifacts.save({
      data: new Blob([svg], { type: "image/svg+xml" }),
      filename: "weather.svg",
      metadata: { title, months: months.length },
      tags: ["plot"],
    });
    return {
      months: months.length,
      artifact_id: image.id,
      download_url: `${artifacts.prefix}/${image.id}/$download`,
    };
  },
});
