import {
  type Compilable,
  type CompiledQuery,
  type Expression,
  type InferResult,
  type Kysely,
  sql,
} from "kysely";
import type { Statements } from "./scope.ts";

/** Stands in a query where a parameter goes. */
class Placeholder {
  readonly name: string;
  /** Of the rows that the query takes. */
  readonly row: number;

  constructor(name: string, row: number) {
    this.name = name;
    this.row = row;
  }
}

/** Gives the place of a parameter in a query. */
export type Parameter<Parameters> = <K extends keyof Parameters & string>(
  name: K,
) => Expression<Parameters[K]>;

/** A query that was compiled once, to be run with other parameters each time. */
export class Prepared<Parameters, Row> {
  readonly #query: CompiledQuery<Row>;

  /** Queries come from {@linkcode prepare}. */
  constructor(query: CompiledQuery<Row>) {
    this.#query = query;
  }

  all(statements: Statements, parameters: Parameters): readonly Row[] | Promise<readonly Row[]> {
    return statements.all<Row>(this.#query, bind(this.#query, [parameters], 0));
  }

  /** What `db.executeQuery()` runs, for a read that needs no transaction. */
  with(parameters: Parameters): CompiledQuery<Row> {
    return { ...this.#query, parameters: bind(this.#query, [parameters], 0) };
  }
}

/** An insert that was compiled once, for one row and for many together. */
export class PreparedInsert<Row> {
  readonly #one: CompiledQuery<unknown>;
  readonly #many: CompiledQuery<unknown>;

  /** Queries come from {@linkcode prepareInsert}. */
  constructor(one: CompiledQuery<unknown>, many: CompiledQuery<unknown>) {
    this.#one = one;
    this.#many = many;
  }

  async run(statements: Statements, rows: readonly Row[]): Promise<void> {
    for (let row = 0; row < rows.length; ) {
      const together = rows.length - row >= ROWS_TOGETHER;
      const query = together ? this.#many : this.#one;
      await statements.all(query, bind(query, rows, row));
      row += together ? ROWS_TOGETHER : 1;
    }
  }
}

/** More of them together take no less time for each. */
const ROWS_TOGETHER = 32;

/**
 * Compiles a query once: compiling takes longer than running it.
 *
 * @example
 * ```ts
 * const rename = prepare<Tables, { id: string; name: string }>(db)((db, parameter) =>
 *   db.updateTable("users").set({ name: parameter("name") }).where("id", "=", parameter("id")));
 * await rename.all(statements, { id: "1", name: "Alice" });
 * ```
 */
export function prepare<Tables, Parameters>(
  db: Kysely<Tables>,
): <Query extends Compilable<unknown>>(
  build: (db: Kysely<Tables>, parameter: Parameter<Parameters>) => Query,
) => Prepared<Parameters, InferResult<Query>[number]> {
  return (build) => {
    const query = build(db, parameterOf(0)).compile();
    return new Prepared(query as CompiledQuery<never>);
  };
}

/**
 * As {@linkcode prepare}, for an insert of any number of rows.
 *
 * @example
 * ```ts
 * const add = prepareInsert<Tables, { name: string }>(db)((db, rows) =>
 *   db.insertInto("users").values(rows.map((parameter) => ({ name: parameter("name") }))));
 * await add.run(statements, [{ name: "Alice" }, { name: "Bob" }]);
 * ```
 */
export function prepareInsert<Tables, Row>(
  db: Kysely<Tables>,
): (
  build: (db: Kysely<Tables>, rows: readonly Parameter<Row>[]) => Compilable<unknown>,
) => PreparedInsert<Row> {
  return (build) => {
    const of = (count: number) =>
      build(
        db,
        Array.from({ length: count }, (_, row) => parameterOf(row)),
      );
    return new PreparedInsert(of(1).compile(), of(ROWS_TOGETHER).compile());
  };
}

function parameterOf(row: number): Parameter<never> {
  return (name) => sql.val(new Placeholder(name, row)) as never;
}

/** The values of a query whose first row is the one at `first`. */
function bind<Row>({ parameters }: CompiledQuery, rows: readonly Row[], first: number): unknown[] {
  return parameters.map((value) =>
    value instanceof Placeholder ? rows[first + value.row]?.[value.name as keyof Row] : value,
  );
}
