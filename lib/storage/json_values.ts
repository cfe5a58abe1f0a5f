import { type Expression, type RawBuilder, sql } from "kysely";

/** The values of a JSON array, for `in`: a list of any length in a statement that is prepared once. */
export function jsonValues(json: string | Expression<string>): RawBuilder<string> {
  return sql<string>`(select value from json_each(${json}))`;
}
