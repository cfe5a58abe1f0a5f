import type { Month } from "./read_months.ts";
import { linearScale, type Scale, ticks } from "./scale.ts";

const WIDTH = 1000;
const HEIGHT = 600;
const LEFT = 72;
const RIGHT = WIDTH - 32;
/** Where the two panels begin and end, from the top down. */
const TEMPERATURE = [104, 362] as const;
const RAIN = [416, 536] as const;

const INK = "#1f2933";
const FAINT = "#616e7c";
const GRID = "#e4e7eb";
const HIGH = "#d64545";
const LOW = "#2b6cb0";
const WATER = "#4a90c4";

/** Draws months one after the other: temperatures above, rain below, as an SVG image. */
export function drawWeather(
  months: readonly Month[],
  { title, source }: { title: string; source: string },
): string {
  const [first, last] = [months.at(0), months.at(-1)];
  if (first === undefined || last === undefined) throw new Error("Cannot draw no months");
  const slot = (RIGHT - LEFT) / months.length;
  /** The middle of a month. */
  const x: Scale = (index) => LEFT + (index + 0.5) * slot;
  const wettest = months.reduce((a, b) => (b.rain > a.rain ? b : a));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="'DejaVu Sans', Verdana, sans-serif" font-size="12" fill="${INK}">
<title>${xml(title)}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="${LEFT}" y="40" font-size="22" font-weight="bold">${xml(title)}</text>
<text x="${LEFT}" y="62" fill="${FAINT}">${xml(`${monthName(first.month)} to ${monthName(last.month)}; the wettest month was ${monthName(wettest.month)}, with ${Math.round(wettest.rain)} mm`)}</text>
${yearLines(months, slot)}
${temperatures(months, x)}
${rain(months, x, slot)}
<text x="${LEFT}" y="${HEIGHT - 14}" font-size="10" fill="${FAINT}">${xml(source)}</text>
</svg>
`;
}

/** A panel's name and the lines of its axis, and where values are in it. */
function panel(
  [top, bottom]: readonly [number, number],
  values: readonly number[],
  label: string,
): { axis: string; y: Scale; range: readonly [number, number] } {
  const marks = ticks(Math.min(...values), Math.max(...values));
  const range = [marks.at(0) ?? 0, marks.at(-1) ?? 1] as const;
  const y = linearScale(range, [bottom, top]);
  const lines = marks.map(
    (mark) =>
      `<line x1="${LEFT}" x2="${RIGHT}" y1="${at(y(mark))}" y2="${at(y(mark))}" stroke="${mark === 0 ? FAINT : GRID}"/>
<text x="${LEFT - 10}" y="${at(y(mark) + 4)}" text-anchor="end" fill="${FAINT}">${mark}</text>`,
  );
  const middle = (top + bottom) / 2;
  const name = `<text transform="translate(24 ${middle}) rotate(-90)" text-anchor="middle" fill="${FAINT}">${xml(label)}</text>`;
  return { axis: [...lines, name].join("\n"), y, range };
}

function temperatures(months: readonly Month[], x: Scale): string {
  const { axis, y } = panel(
    TEMPERATURE,
    months.flatMap(({ high, low }) => [high, low]),
    "Temperature (°C)",
  );
  const line = (of: "high" | "low") =>
    months.map((month, index) => `${at(x(index))},${at(y(month[of]))}`);
  const [highs, lows] = [line("high"), line("low")];
  const hottest = months.reduce((a, b) => (b.high > a.high ? b : a));
  const coldest = months.reduce((a, b) => (b.low < a.low ? b : a));
  const stroke = `fill="none" stroke-width="2.5" stroke-linejoin="round" stroke-linecap="round"`;
  const key = (of: string, color: string, left: number) =>
    `<line x1="${left}" x2="${left + 24}" y1="88" y2="88" stroke="${color}" stroke-width="2.5"/>
<text x="${left + 32}" y="92">${of}</text>`;
  return `${axis}
<polygon points="${[...highs, ...lows.toReversed()].join(" ")}" fill="${HIGH}" fill-opacity="0.1"/>
<polyline points="${highs.join(" ")}" ${stroke} stroke="${HIGH}"/>
<polyline points="${lows.join(" ")}" ${stroke} stroke="${LOW}"/>
${note(months, hottest, "high", { x, y })}
${note(months, coldest, "low", { x, y })}
${key("Mean daily high", HIGH, RIGHT - 280)}
${key("Mean daily low", LOW, RIGHT - 124)}`;
}

/** A dot at a month's temperature, with its figure: before the top of a line, or below the bottom. */
function note(
  months: readonly Month[],
  month: Month,
  of: "high" | "low",
  { x, y }: { readonly x: Scale; readonly y: Scale },
): string {
  const [left, top] = [x(months.indexOf(month)), y(month[of])];
  const [color, place] =
    of === "high"
      ? [HIGH, `x="${at(left - 10)}" y="${at(top + 2)}" text-anchor="end"`]
      : [LOW, `x="${at(left)}" y="${at(top + 22)}" text-anchor="middle"`];
  return `<circle cx="${at(left)}" cy="${at(top)}" r="4" fill="${color}"/>
<text ${place} fill="${color}" font-weight="bold">${month[of].toFixed(1)} °C</text>`;
}

function rain(months: readonly Month[], x: Scale, slot: number): string {
  const { axis, y } = panel(RAIN, [0, ...months.map(({ rain }) => rain)], "Rain (mm a month)");
  const width = slot * 0.7;
  const bars = months.map(
    ({ month, rain }, index) =>
      `<rect x="${at(x(index) - width / 2)}" y="${at(y(rain))}" width="${at(width)}" height="${at(y(0) - y(rain))}" fill="${WATER}"><title>${monthName(month)}: ${Math.round(rain)} mm</title></rect>`,
  );
  return [axis, ...bars].join("\n");
}

/** A line where each year begins, and its number in its middle. */
function yearLines(months: readonly Month[], slot: number): string {
  const years = Map.groupBy(months.keys(), (index) => months[index]?.month.slice(0, 4) ?? "");
  return [...years]
    .map(([year, indexes]) => {
      const begin = LEFT + (indexes[0] ?? 0) * slot;
      const middle = begin + (indexes.length * slot) / 2;
      return `<line x1="${at(begin)}" x2="${at(begin)}" y1="${TEMPERATURE[0]}" y2="${RAIN[1] + 8}" stroke="${GRID}"/>
<text x="${at(middle)}" y="${RAIN[1] + 22}" text-anchor="middle" font-weight="bold">${year}</text>`;
    })
    .join("\n");
}

/** `2012-01` as people write it. */
function monthName(month: string): string {
  return new Date(`${month}-01T00:00:00Z`).toLocaleDateString("en", {
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  });
}

/** A tenth of a pixel is all that anybody sees. */
function at(position: number): string {
  return String(Math.round(position * 10) / 10);
}

function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
