/** Until what went before is over: looks at the file, garbage collection, compilation. */
const SETTLE = 2_000;
const IDLE = 20_000;

/** The CPU that this process takes while nobody asks it for anything, all its threads: percent of one core. */
export async function idleCpu(): Promise<number> {
  await Bun.sleep(SETTLE);
  const usage = process.cpuUsage();
  const start = performance.now();
  await Bun.sleep(IDLE);
  const { user, system } = process.cpuUsage(usage);
  // Of microseconds, in milliseconds.
  return (user + system) / 1_000 / ((performance.now() - start) / 100);
}
