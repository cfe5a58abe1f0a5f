import { test } from "bun:test";
import { assertEquals, assertGreater } from "@std/assert";
import { accountsOf, faultOf } from "./job_accounts.ts";
import { JobFile } from "./job_file.ts";
import { MortalWorkers } from "./mortal_workers.ts";
import { SeededRandom } from "./seeded_random.ts";

/** CI asks for more than there is time for on each run of the suite. */
const KILLS = Number(process.env["CRASH_KILLS"] ?? 40);

/** So many lost workers fail no job: each may die often where so many do. */
const crashLimit = 10_000;

test(`jobs survive ${KILLS} kills of their workers, and each takes effect once`, async () => {
  const random = SeededRandom.fromEnvironment();
  await using file = await JobFile.create();
  const workers = new MortalWorkers({
    file,
    settings: { lease: 0.5, crashLimit },
    random,
    load: { kind: "count", size: 45 },
    stopOneIn: 15,
  });
  await workers.kill(KILLS);
  await file.allEnd();

  const jobs = await accountsOf(file);
  const { acknowledged, killed, stopped } = workers;
  const known = new Set(jobs.map(({ id }) => id));
  const missing = acknowledged.filter((id) => !known.has(id));
  const died = jobs.filter(({ errors }) => errors.some((error) => error.startsWith("JobLost")));
  const threw = jobs.filter(({ errors }) => errors.some((error) => error.startsWith("Error")));
  const once = jobs.filter(({ attempt }) => attempt === 1);
  const lost = jobs.filter(({ status }) => status !== "completed");
  const twice = jobs.filter(({ effects }) => effects.length > 1);
  const deaths = jobs.flatMap(({ errors }) =>
    errors.filter((error) => error.startsWith("JobLost")),
  );
  console.log(
    `account with CRASH_SEED=${random.seed}: ${killed} workers killed, ${stopped} of them stopped past their lease before; ` +
      `${jobs.length} jobs submitted, ${acknowledged.length} acknowledged, ${missing.length} of these missing; ` +
      `${once.length} run once, ${died.length} again after they had lost their worker (${deaths.length} times in all), ` +
      `${threw.length} again after they had thrown; ` +
      `lost: ${lost.length}, complete() applied twice: ${twice.length}`,
  );

  assertEquals(missing, []);
  assertEquals(
    jobs.map(faultOf).filter((fault) => fault !== null),
    [],
  );
  assertEquals(await file.queued(), 0);
  assertEquals(killed, KILLS);
  // Otherwise the kills would have hit next to nothing.
  assertGreater(jobs.length, 15 * KILLS);
  assertGreater(died.length, KILLS);
}, 180_000);
