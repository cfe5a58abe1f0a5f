import type { Changes } from "./changes.ts";
import { JobNotFoundError } from "./errors.ts";
import type { JobReader } from "./reader.ts";
import { isTerminal, type JobEvent } from "./record.ts";

export interface EventsOptions {
  /** The revision that is known already; what follows it is told. */
  after?: number | undefined;
  /** Ends the events: the iteration throws its reason. */
  signal?: AbortSignal | undefined;
}

/** Where events come from. */
export interface EventOrigin {
  /** Awaited before anything is read. */
  readonly begin: () => Promise<void>;
  readonly reader: Pick<JobReader, "find">;
  readonly changes: Changes;
  /** Ends the events of all jobs: the iterations throw its reason. */
  readonly ending: AbortSignal;
}

/**
 * Tells what a job is, now and whenever it changes, up to its end. A reader
 * that is slow misses what came in between, never the last state.
 *
 * @throws {JobNotFoundError} where there is no such job to begin with.
 */
export function jobEvents(
  id: string,
  options: EventsOptions,
  source: EventOrigin,
): AsyncGenerator<JobEvent, void> {
  const left = new AbortController();
  const events = generate(id, options, source, left.signal);
  const end = events.return.bind(events);
  // A generator's own waits for the next() that is under way, which may be long.
  events.return = (value) => {
    left.abort();
    return end(value);
  };
  return events;
}

/** `left` ends them as if there were no more: nobody listens. */
async function* generate(
  id: string,
  { after, signal: given }: EventsOptions,
  { begin, reader, changes, ending }: EventOrigin,
  left: AbortSignal,
): AsyncGenerator<JobEvent, void> {
  await begin();
  const signals = given === undefined ? [ending] : [ending, given];
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  using _watching = changes.watch(id, wake);
  for (const signal of [...signals, left]) signal.addEventListener("abort", wake);
  try {
    let known = after;
    for (let isFirst = true; ; isFirst = false) {
      if (left.aborted) return;
      for (const signal of signals) signal.throwIfAborted();
      // From here on a change wakes again: what is read now may be older.
      const found = await reader.find(id);
      if (found === undefined) {
        if (isFirst) throw new JobNotFoundError(id);
        yield { id, status: "deleted", revision: (known ?? 0) + 1 };
        return;
      }
      if (found.revision !== known) {
        known = found.revision;
        yield { ...found.record, revision: known };
      }
      if (isTerminal(found.record.status)) return;
      await changed.promise;
      changed = Promise.withResolvers();
    }
  } finally {
    for (const signal of [...signals, left]) signal.removeEventListener("abort", wake);
  }
}
