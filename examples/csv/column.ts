/** What pandas takes for a missing value. */
const MISSING = new Set(
  "|#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null".split(
    "|",
  ),
);
const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const INFINITE = /^[+-]?inf(inity)?$/i;

/** One column of a table: its numbers, as long as it holds nothing else. */
export class Column {
  readonly name: string;
  #numbers: number[] | undefined = [];
  #isEmpty = true;

  constructor(name: string) {
    this.name = name;
  }

  /** The numbers, without missing values; undefined where a cell is text, or there are no cells. */
  get numbers(): readonly number[] | undefined {
    return this.#isEmpty ? undefined : this.#numbers;
  }

  add(cell: string): void {
    this.#isEmpty = false;
    const text = cell.trim();
    if (this.#numbers === undefined || MISSING.has(text)) return;
    if (DECIMAL.test(text)) this.#numbers.push(Number(text));
    else if (INFINITE.test(text)) this.#numbers.push(text.startsWith("-") ? -Infinity : Infinity);
    // Text is not kept, nor are the numbers before it: nobody will ask for them.
    else this.#numbers = undefined;
  }
}
