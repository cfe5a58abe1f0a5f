import { test } from "bun:test";
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { drawWeather } from "../../../examples/weather/chart.ts";
import { readMonths } from "../../../examples/weather/read_months.ts";
import { linearScale, ticks } from "../../../examples/weather/scale.ts";
import { TemporaryDirectory } from "../temporary_directory.ts";

const HEADER = "date,precipitation,temp_max,temp_min,wind,weather";

test("readMonths() takes the mean of temperatures and the sum of rain, month by month", async () => {
  using directory = new TemporaryDirectory();
  const path = directory.of("weather.csv");
  await Bun.write(
    path,
    `${HEADER}\n2013-02-01,1.5,10,-2,1,rain\n2013-01-31,0,4,0,1,sun\n2013-02-02,2,11,1,1,rain\n`,
  );
  assertEquals(await readMonths(path), [
    { month: "2013-01", high: 4, low: 0, rain: 0 },
    { month: "2013-02", high: 10.5, low: -0.5, rain: 3.5 },
  ]);
  await Bun.write(path, `${HEADER}\n2013-02-01,,10,-2,1,rain\n`);
  await assertRejects(() => readMonths(path), Error, "Invalid length");
});

test("drawWeather() draws each month, and what is text stays text", () => {
  const month = (index: number) => ({
    month: `201${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, "0")}`,
    high: 10 + index,
    low: -5 + index,
    rain: index * 10,
  });
  const svg = drawWeather(
    Array.from({ length: 24 }, (_, index) => month(index)),
    {
      title: "Rain & <sun>",
      source: "me",
    },
  );
  assertStringIncludes(svg, "<title>Rain &amp; &lt;sun&gt;</title>");
  assertEquals(svg.split("<rect ").length - 1, 1 + 24);
  assertStringIncludes(svg, ">33.0 °C<");
  assertStringIncludes(svg, ">-5.0 °C<");
  assertEquals(/NaN|undefined|Infinity/.test(svg), false);
  assertThrows(() => drawWeather([], { title: "", source: "" }), Error, "no months");
});

test("drawWeather() draws a single month", () => {
  const svg = drawWeather([{ month: "2013-01", high: 4, low: 0, rain: 0 }], {
    title: "One",
    source: "me",
  });
  assertEquals(/NaN|undefined|Infinity/.test(svg), false);
});

test("ticks() are round and hold all values, and linearScale() maps them", () => {
  assertEquals(ticks(0, 28), [0, 10, 20, 30]);
  assertEquals(ticks(-3, 12), [-5, 0, 5, 10, 15]);
  assertEquals(ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assertEquals(ticks(5, 5).length > 1, true);
  const scale = linearScale([0, 10], [100, 0]);
  assertEquals([scale(0), scale(5), scale(10)], [100, 50, 0]);
});
