import type { Logger } from "../tasks/mod.ts";

/** A started service, as the process knows it. */
export interface RunningService {
  readonly id: string;
  readonly logger: Logger;
  /** Drains and closes. */
  stop(): Promise<void>;
  /** Once it has stopped, for a process that ends: waits until the servers have sent the last answers. */
  letGoOfServers(): Promise<void>;
}

interface Entry {
  readonly service: RunningService;
  readonly generation: object;
  readonly handlesSignals: boolean;
}

/**
 * The started services of this process, shared by every evaluation of this
 * module: `bun --hot` evaluates it again while the older services run on.
 */
const KEY = Symbol.for("taskmount.running-services");
const shared = globalThis as { [KEY]?: Set<Entry> };
shared[KEY] ??= new Set();
const entries: Set<Entry> = shared[KEY];

/** Tells this evaluation of the module from older ones. */
const generation = {};
let exiting = false;

/** Awaits the stop of what an older evaluation of the library left running under this id. */
export async function replaceOlder(id: string): Promise<void> {
  const older = [...entries].filter(
    (entry) => entry.service.id === id && entry.generation !== generation,
  );
  await Promise.all(older.map(({ service }) => service.stop()));
}

/** Enters a service; with `handlesSignals`, SIGINT and SIGTERM now stop every service of the process. */
export function enter(
  service: RunningService,
  { handlesSignals }: { handlesSignals: boolean },
): void {
  if (handlesSignals && !ownEntries().some((entry) => entry.handlesSignals)) {
    process.on("SIGINT", onSignal);
    process.on("SIGTERM", onSignal);
  }
  entries.add({ service, generation, handlesSignals });
}

/** Forgets a service that has stopped. */
export function leave(service: RunningService): void {
  for (const entry of ownEntries()) {
    if (entry.service === service) entries.delete(entry);
  }
  // While the process is on its way out, a second signal must still be heard.
  if (exiting || ownEntries().some((entry) => entry.handlesSignals)) return;
  process.off("SIGINT", onSignal);
  process.off("SIGTERM", onSignal);
}

function ownEntries(): Entry[] {
  return [...entries].filter((entry) => entry.generation === generation);
}

function onSignal(signal: NodeJS.Signals): void {
  if (exiting) process.exit(signal === "SIGINT" ? 130 : 143);
  exiting = true;
  void shutDownAll().then((succeeded) => process.exit(succeeded ? 0 : 1));
}

async function shutDownAll(): Promise<boolean> {
  const stopping = [...entries].map(({ service }) => service);
  const results = await Promise.allSettled(stopping.map((service) => service.stop()));
  await Promise.allSettled(stopping.map((service) => service.letGoOfServers()));
  for (const [index, result] of results.entries()) {
    if (result.status === "fulfilled") continue;
    stopping[index]?.logger.error("the service did not stop cleanly", { error: result.reason });
  }
  return results.every(({ status }) => status === "fulfilled");
}
