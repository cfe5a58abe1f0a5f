import * as v from "valibot";
import { HttpProblem, valuesOf } from "../http/mod.ts";
import { isUlid } from "../storage/mod.ts";
import { validate } from "../tasks/mod.ts";
import type { ArtifactFilter } from "./artifact.ts";

/** As many as an artifact may have. */
const MOST_TAGS = 50;

const Id = v.pipe(v.string(), v.check(isUlid, "Expected a ULID"));

const Query = v.pipe(
  v.strictObject({
    tag: v.optional(
      v.pipe(
        v.array(v.pipe(v.string(), v.minLength(1, "Expected a tag"))),
        v.maxLength(MOST_TAGS, `Expected at most ${MOST_TAGS} tags`),
      ),
    ),
    parent_id: v.optional(Id),
    level: v.optional(whole({ least: 0, most: 1_000_000_000 })),
    page: v.optional(whole({ least: 1, most: 1_000_000_000 })),
    size: v.optional(whole({ least: 1, most: 1_000 })),
    before: v.optional(Id),
  }),
  v.check(
    ({ page, before }) => page === undefined || before === undefined,
    "Expected either page or before, not both",
  ),
);

/** What a list is asked for. */
export interface ListQuery {
  readonly filter: ArtifactFilter;
  /** From 1 on; undefined where a plain array is wanted. */
  readonly page: number | undefined;
  readonly size: number | undefined;
  readonly before: string | undefined;
}

/**
 * What the query of a list asks for.
 *
 * @throws {HttpProblem} 422 for what is no filter, or given twice.
 */
export function readListQuery(query: URLSearchParams): ListQuery {
  const parsed = validate(Query, valuesOf(query, ["tag"]));
  if (parsed.issues !== undefined) {
    throw new HttpProblem(422, "invalid-request", {
      detail:
        "The query may have tag, parent_id, level, size, and page or before, each once but for tag",
      issues: parsed.issues,
    });
  }
  const { tag: tags, parent_id: parentId, level, ...rest } = parsed.value;
  return {
    filter: { tags, parentId, level },
    page: rest.page,
    size: rest.size,
    before: rest.before,
  };
}

function whole({ least, most }: { readonly least: number; readonly most: number }) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,10}$/, "Expected a whole number"),
    v.transform(Number),
    v.minValue(least, `Expected at least ${least}`),
    v.maxValue(most, `Expected at most ${most.toLocaleString("en")}`),
  );
}
