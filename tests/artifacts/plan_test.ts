import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { type CompiledQuery, sql } from "kysely";
import { ArtifactReader } from "../../lib/artifacts/reader.ts";
import { createArtifactRecords } from "../../lib/artifacts/records.ts";
import type { ArtifactTables } from "../../lib/artifacts/tables.ts";
import type { ListArtifactsOptions } from "../../lib/mod.ts";
import { ulid } from "../../lib/storage/mod.ts";
import { Bed } from "./bed.ts";

/** How SQLite would run a statement, step by step. */
async function planOf(bed: Bed, { sql: text, parameters }: CompiledQuery): Promise<string[]> {
  const query = { ...sql`select 1`.compile(bed.database.kysely<object>()), parameters };
  const explained = { ...query, sql: `explain query plan ${text}` };
  const { rows } = await bed.database
    .kysely<object>()
    .executeQuery<{ detail: string }>(explained as CompiledQuery<{ detail: string }>);
  return rows.map(({ detail }) => detail);
}

/** The statement that a reader's `list()` runs. */
async function listQuery(bed: Bed, options: ListArtifactsOptions): Promise<CompiledQuery> {
  const db = bed.database.own<ArtifactTables>();
  let seen: CompiledQuery | undefined;
  const watched = db.withPlugin({
    transformQuery: ({ node }) => {
      seen = db.getExecutor().compileQuery(node, { queryId: "plan" });
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  const reader = new ArtifactReader({
    db: watched,
    from: bed.database,
    statements: createArtifactRecords(db),
    parse: JSON.parse,
  });
  await reader.list({ ...options, limit: 100 });
  assert(seen !== undefined);
  return seen;
}

test("lists walk an index, and no list looks at every artifact", async () => {
  await using bed = new Bed();
  await bed.database.migrate();
  const lists: ListArtifactsOptions[] = [
    { parentId: ulid() },
    { parentId: null },
    { level: 0 },
    { level: 2 },
    { tags: ["a"] },
    { tags: ["a", "b"] },
    { before: ulid() },
  ];
  for (const options of lists) {
    const plan = await planOf(bed, await listQuery(bed, options));
    assertEquals(
      plan.filter((step) => step.startsWith("SCAN")),
      [],
      JSON.stringify({ options, plan }),
    );
  }
});
