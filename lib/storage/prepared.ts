import {
  type Compilable,
  type CompiledQuery,
  type Expression,
  type InferResult,
  type Kysely,
  sql,
} from "kysely";
import type { Reads, Statements } from "./scope.ts";

/** Stands in a query where a parameter goes. */
class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
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
    return statements.all<Row>(this.#bind(parameters));
  }

  /** The rows where they are only read. */
  read(from: Reads, parameters: Parameters): Promise<readonly Row[]> {
    return from.read<Row>(this.#bind(parameters));
  }

  #bind(parameters: Parameters): CompiledQuery<Row> {
    const bound = this.#query.parameters.map((value) =>
      value instanceof Placeholder ? parameters[value.name as keyof Parameters] : value,
    );
    return { ...this.#query, parameters: bound };
  }
}

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
    const parameter: Parameter<Parameters> = (name) => sql.val(new Placeholder(name)) as never;
    const query = build(db, parameter).compile();
    return new Prepared(query as CompiledQuery<never>);
  };
}
