import { afterAll, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertRejects } from "@std/assert";
import { CsvFileError, readTable } from "../../../examples/csv/read_table.ts";

const directory = mkdtempSync(join(tmpdir(), "taskmount-csv-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** A table as its number of rows, and for each column its numbers. */
async function read(content: string | Uint8Array): Promise<[number, Record<string, unknown>]> {
  const path = join(directory, `${crypto.randomUUID()}.csv`);
  await Bun.write(path, content);
  const { rows, columns } = await readTable(path);
  return [rows, Object.fromEntries(columns.map(({ name, numbers }) => [name, numbers ?? "text"]))];
}

const BOM = "\ufeff";

const readable: [string, string, number, Record<string, number[] | "text">][] = [
  ["numbers and text", "a,b\n1,x\n2.5,y\n", 2, { a: [1, 2.5], b: "text" }],
  ["a last line without an end", "a,b\n1,2", 1, { a: [1], b: [2] }],
  ["CRLF", "a,b\r\n1,2\r\n3,4\r\n", 2, { a: [1, 3], b: [2, 4] }],
  ["lines that end in different ways", "a,b\n1,2\r\n3,4\r5,6\n", 3, { a: [1, 3, 5], b: [2, 4, 6] }],
  ["a byte order mark", `${BOM}a,b\n1,2\n`, 1, { a: [1], b: [2] }],
  ["a byte order mark before a quote", `${BOM}"a",b\n1,2\n`, 1, { a: [1], b: [2] }],
  ["quoted commas", '"a,b",c\n"1",2\n', 1, { "a,b": [1], c: [2] }],
  ["quoted line ends", '"a\nb",c\n1,"x\r\n\ny"\n2,z\n', 2, { "a\nb": [1, 2], c: "text" }],
  ["quoted quotes", '"say ""a""",b\n1,"""x"""\n', 1, { 'say "a"': [1], b: "text" }],
  ["blank lines", "\na,b\n\n1,2\r\n\r\n3,4\n\n", 2, { a: [1, 3], b: [2, 4] }],
  ["empty cells as missing", "a,b\n1,\n,2\n,\n", 3, { a: [1], b: [2] }],
  ["a quoted empty cell as missing", 'a\n""\n1\n', 2, { a: [1] }],
  ["a column without a value as numbers", "a,b\n1,\n2,\n", 2, { a: [1, 2], b: [] }],
  ["a header alone as no numbers", "a,b\n", 0, { a: "text", b: "text" }],
  ["names for missing values", "a\nNA\nNaN\nnull\nN/A\nNone\n1\n", 6, { a: [1] }],
  [
    "numbers in every notation",
    "a\n+1\n-.5\n5.\n1e3\n2E-2\n 7 \n007\n",
    7,
    { a: [1, -0.5, 5, 1000, 0.02, 7, 7] },
  ],
  [
    "infinity",
    "a\ninf\n-Infinity\n",
    2,
    { a: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] },
  ],
  [
    "what JavaScript alone takes for a number",
    "a,b,c\n0x10,1_000,0b1\n",
    1,
    { a: "text", b: "text", c: "text" },
  ],
  ["one text among numbers", "a\n1\n2\nx\n3\n", 4, { a: "text" }],
  ["dates and booleans", "a,b\n2012-01-01,true\n", 1, { a: "text", b: "text" }],
  ["names that come twice", "a,a,\n1,2,3\n", 1, { a: [1], "a.1": [2], "Unnamed: 2": [3] }],
  [
    "names of objects' own",
    "__proto__,constructor\n1,2\n",
    1,
    { ["__proto__"]: [1], constructor: [2] },
  ],
  ["letters of every language", "größe,大小\n1,é\n", 1, { größe: [1], 大小: "text" }],
];

for (const [what, content, rows, columns] of readable) {
  test(`readTable() reads ${what}`, async () => {
    assertEquals(await read(content), [rows, columns]);
  });
}

const unreadable: [string, string, string][] = [
  ["an empty file", "", "it is empty, where a header with the columns' names was expected"],
  [
    "a file of blank lines",
    "\n\r\n\n",
    "it is empty, where a header with the columns' names was expected",
  ],
  [
    "a byte order mark alone",
    BOM,
    "it is empty, where a header with the columns' names was expected",
  ],
  [
    "a row with more cells",
    "a,b\n1,2\n1,2,3\n",
    "Invalid Record Length: expect 2, got 3 on line 3",
  ],
  ["a row with fewer cells", "a,b\n\n1\n", "Invalid Record Length: expect 2, got 1 on line 3"],
  [
    "a quote that is never closed",
    'a,b\n1,"2\n3,4\n',
    "Quote Not Closed: the parsing is finished with an opening quote at line 3",
  ],
  [
    "a quote within a cell",
    'a,b\n1,2" x\n',
    'Invalid Opening Quote: a quote is found on field 1 at line 2, value is "2"',
  ],
];

for (const [what, content, reason] of unreadable) {
  test(`readTable() refuses ${what}`, async () => {
    const path = join(directory, "unreadable.csv");
    await Bun.write(path, content);
    const error = await assertRejects(() => readTable(path), CsvFileError);
    assertEquals(error.message, `Cannot read "${path}": ${reason}`);
  });
}

test("readTable() refuses a file that is missing, and a directory", async () => {
  for (const path of [join(directory, "missing.csv"), directory]) {
    const error = await assertRejects(() => readTable(path), CsvFileError);
    assertEquals(error.message, `Cannot read "${path}": there is no such file`);
  }
});

test("readTable() refuses a quote that would take in a long rest of the file", async () => {
  const path = join(directory, "open.csv");
  await Bun.write(path, `a,b\n"1,2\n${"3,4\n".repeat(500_000)}`);
  await assertRejects(() => readTable(path), CsvFileError, "Max Record Size");
});

test("readTable() reads what spans the pieces in which a file comes", async () => {
  // Larger than a piece, with a row length that no power of two divides.
  const rows = 60_000;
  const path = join(directory, "large.csv");
  await Bun.write(path, `n,text\r\n${'1,"é, ""x""\r\ny"\r\n'.repeat(rows)}`);
  const table = await readTable(path);
  assertEquals(table.rows, rows);
  assertEquals(table.columns[0]?.numbers?.length, rows);
});

test("readTable() stops when its signal aborts", async () => {
  const path = join(directory, "aborted.csv");
  await Bun.write(path, `a\n${"1\n".repeat(1_000_000)}`);
  const controller = new AbortController();
  const reading = readTable(path, { signal: controller.signal });
  controller.abort();
  const error = await assertRejects(() => reading, Error);
  assertEquals(error.name, "AbortError");
});
