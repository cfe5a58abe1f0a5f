import { test } from "bun:test";
import { assertEquals, assertGreater } from "@std/assert";
import { ACCOUNTS } from "./fixtures/loads.ts";
import type { AccountTables } from "./fixtures/tables.ts";
import { accountsOf, faultOf } from "./job_accounts.ts";
import { JobFile } from "./job_file.ts";
import { MortalWorkers } from "./mortal_workers.ts";
import { SeededRandom } from "./seeded_random.ts";

const KILLS = 20;

test("complete() moves money once for each job, to the cent, while workers are killed", async () => {
  const random = SeededRandom.fromEnvironment();
  await using file = await JobFile.create();
  const db = file.database.kysely<AccountTables>();
  const balances = Array.from({ length: ACCOUNTS }, (_, id) => ({ id, cents: 100_000 }));
  await db.insertInto("accounts").values(balances).execute();
  const workers = new MortalWorkers({
    file,
    settings: { lease: 1, crashLimit: 10_000 },
    random,
    load: { kind: "transfer", size: 30 },
    stopOneIn: null,
  });
  await workers.kill(KILLS);
  await file.allEnd();

  const jobs = await accountsOf(file);
  const again = jobs.filter(({ attempt }) => attempt > 1);
  console.log(
    `money with CRASH_SEED=${random.seed}: ${workers.killed} workers killed; ${jobs.length} transfers, ${again.length} of them run again`,
  );
  const books = balances.map(({ cents }) => cents);
  for (const { params } of jobs) {
    const { from, to, cents } = JSON.parse(params ?? "{}");
    books[from] = (books[from] ?? 0) - cents;
    books[to] = (books[to] ?? 0) + cents;
  }
  const kept = await db.selectFrom("accounts").selectAll().orderBy("id").execute();
  assertEquals(
    kept.map(({ cents }) => cents),
    books,
  );
  assertEquals(
    kept.reduce((sum, { cents }) => sum + cents, 0),
    ACCOUNTS * 100_000,
  );
  assertEquals(
    jobs.map(faultOf).filter((fault) => fault !== null),
    [],
  );
  assertGreater(again.length, KILLS / 2);
}, 120_000);
