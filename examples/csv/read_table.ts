import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { Column } from "./column.ts";
import { columnNames } from "./column_names.ts";

/** What a CSV file holds. */
export interface Table {
  /** How many there are, without the header. */
  rows: number;
  columns: readonly Column[];
}

export interface ReadTableOptions {
  /** Stops the reading when it aborts. */
  signal?: AbortSignal;
}

/** A file isn't there, or isn't the CSV that was expected. */
export class CsvFileError extends Error {
  override readonly name = "CsvFileError";

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`Cannot read "${path}": ${reason}`, options);
  }
}

/**
 * Reads a CSV file with a header line. The text passes by in pieces; what stays is the numbers.
 *
 * The file is UTF-8, with or without a byte order mark, separated by commas, quoted as in RFC 4180,
 * with any line ends. Blank lines are passed over.
 *
 * @throws {CsvFileError} where the file is missing or empty, a row has more or fewer cells than
 * the header, or a quote is misplaced or never closed.
 */
export async function readTable(path: string, { signal }: ReadTableOptions = {}): Promise<Table> {
  const file = Bun.file(path);
  if (!(await file.exists())) throw new CsvFileError(path, "there is no such file");
  const parser = parse({
    bom: true,
    record_delimiter: ["\r\n", "\n", "\r"],
    skip_empty_lines: true,
    // Else a quote that is never closed would take the rest of the file for one cell.
    max_record_size: 1_000_000,
  });
  let table: Table | undefined;
  try {
    table = await pipeline(file.stream(), parser, collect, { signal });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new CsvFileError(path, error.message, { cause: error });
  }
  if (table === undefined) {
    throw new CsvFileError(
      path,
      "it is empty, where a header with the columns' names was expected",
    );
  }
  return table;
}

async function collect(records: AsyncIterable<string[]>): Promise<Table | undefined> {
  let table: { rows: number; columns: Column[] } | undefined;
  for await (const record of records) {
    if (table === undefined) {
      table = { rows: 0, columns: columnNames(record).map((name) => new Column(name)) };
      continue;
    }
    table.rows += 1;
    for (const [index, column] of table.columns.entries()) column.add(record[index] ?? "");
  }
  return table;
}
