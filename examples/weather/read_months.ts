import { pipeline } from "node:stream/promises";
import { parse } from "csv-parse";
import * as v from "valibot";

/** The weather of one month. */
export interface Month {
  /** Such as `2012-01`. */
  readonly month: string;
  /** The mean of the days' highest temperatures, in °C. */
  readonly high: number;
  /** The mean of the days' lowest temperatures, in °C. */
  readonly low: number;
  /** All rain and melted snow, in mm. */
  readonly rain: number;
}

const Figure = v.pipe(v.string(), v.nonEmpty(), v.transform(Number), v.finite());
const Day = v.object({
  date: v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\d$/, "Expected a date such as 2012-01-31")),
  precipitation: Figure,
  temp_max: Figure,
  temp_min: Figure,
});

/**
 * Sums up daily weather by months, the oldest first, of a CSV file with the columns of
 * `data/seattle-weather.csv`.
 *
 * @throws {ValiError} where a day is not like that.
 */
export async function readMonths(
  path: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Month[]> {
  const sums = new Map<string, { days: number; high: number; low: number; rain: number }>();
  await pipeline(
    Bun.file(path).stream(),
    parse({ columns: true }),
    async (days: AsyncIterable<unknown>) => {
      for await (const day of days) {
        const { date, temp_max, temp_min, precipitation } = v.parse(Day, day);
        const month = date.slice(0, 7);
        const sum = sums.get(month) ?? { days: 0, high: 0, low: 0, rain: 0 };
        sum.days += 1;
        sum.high += temp_max;
        sum.low += temp_min;
        sum.rain += precipitation;
        sums.set(month, sum);
      }
    },
    { signal },
  );
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([month, { days, high, low, rain }]) => ({
      month,
      high: high / days,
      low: low / days,
      rain,
    }));
}
