/** Milliseconds until what went before is over: looks at the file, compilation. */
const SETTLE = 2_000;
const MEASURED = 20_000;
/** Bun collects garbage each second, until the heap has not changed for half a minute. */
const UNTIL_BUN_RESTS = 40_000;

/** Percent of one core, of all threads of a process. */
export interface IdleCpu {
  /** In the twenty seconds after its work. */
  readonly soon: number;
  /** In twenty seconds after more than half a minute. */
  readonly later: number;
}

/** The CPU that this process takes while nobody asks it for anything. */
export async function idleCpu(): Promise<IdleCpu> {
  const start = performance.now();
  await Bun.sleep(SETTLE);
  const soon = await percent();
  await Bun.sleep(UNTIL_BUN_RESTS - (performance.now() - start));
  return { soon, later: await percent() };
}

export function formatIdleCpu({ soon, later }: IdleCpu): string {
  return `${soon.toFixed(2)} % of one core soon after its work, ${later.toFixed(2)} % later`;
}

async function percent(): Promise<number> {
  const usage = process.cpuUsage();
  const start = performance.now();
  await Bun.sleep(MEASURED);
  const { user, system } = process.cpuUsage(usage);
  // Of microseconds, in milliseconds.
  return (user + system) / 1_000 / ((performance.now() - start) / 100);
}
