import { test } from "bun:test";
import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { Heartbeats } from "../../../lib/http/heartbeats.ts";
import { jobEventStream } from "../../../lib/jobs/event_stream.ts";
import { type JobEvent, JobNotFoundError, SchedulerStoppedError } from "../../../lib/jobs/mod.ts";
import { DatabaseBusyError, DatabaseClosedError } from "../../../lib/storage/mod.ts";

/** Heartbeats that a test gives, and that are counted. */
class HandHeartbeats extends Heartbeats {
  readonly beats = new Set<() => void>();

  constructor() {
    super(1);
  }

  override add(beat: () => void): Disposable {
    this.beats.add(beat);
    return { [Symbol.dispose]: () => void this.beats.delete(beat) };
  }

  give(): void {
    for (const beat of this.beats) beat();
  }
}

function deleted(revision: number): JobEvent {
  return { id: "a", status: "deleted", revision };
}

/** Events up to an error. */
async function* failing(error: unknown): AsyncGenerator<JobEvent, void> {
  yield deleted(7);
  throw error;
}

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(stream).text();
}

const EVENT = 'data:{"status":"deleted"}\nid:7\n\n';

test("jobEventStream() makes a client connect again after what may pass", async () => {
  for (const error of [
    new SchedulerStoppedError(),
    new DatabaseClosedError("sqlite::memory:"),
    new DatabaseBusyError("sqlite::memory:", 1),
    // Deleted between two looks: who connects again is told so.
    new JobNotFoundError("a"),
  ]) {
    const heartbeats = new HandHeartbeats();
    const options = { heartbeats, quiet: false, traceback: true };
    const stream = jobEventStream(() => failing(error), options);
    assertEquals(await textOf(stream), `${EVENT}retry:1000\n\n`);
    assertEquals(heartbeats.beats.size, 0);
  }
});

test("jobEventStream() fails with any other error, and its heartbeats end", async () => {
  const heartbeats = new HandHeartbeats();
  const options = { heartbeats, quiet: false, traceback: true };
  const stream = jobEventStream(() => failing(new RangeError("a bug")), options);
  await assertRejects(() => textOf(stream), RangeError, "a bug");
  assertEquals(heartbeats.beats.size, 0);
});

test("jobEventStream() begins with a comment where there may be nothing to tell", async () => {
  for (const [quiet, expected] of [
    [true, `:\n\n${EVENT}`],
    [false, EVENT],
  ] as const) {
    const follow = async function* () {
      yield deleted(7);
    };
    const options = { heartbeats: new HandHeartbeats(), quiet, traceback: true };
    assertEquals(await textOf(jobEventStream(follow, options)), expected);
  }
});

test("jobEventStream() keeps no heartbeats for a client that doesn't read", async () => {
  const heartbeats = new HandHeartbeats();
  const next = Promise.withResolvers<void>();
  const follow = async function* () {
    yield deleted(7);
    await next.promise;
  };
  const stream = jobEventStream(follow, { heartbeats, quiet: false, traceback: true });
  for (let beat = 0; beat < 100; beat++) {
    heartbeats.give();
    // As many turns as any stream takes to hand something on.
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
  next.resolve();
  const comments = (await textOf(stream)).match(/^:/gm) ?? [];
  assertLess(comments.length, 5);
});

test("jobEventStream() ends what it follows when its client goes, also between two events", async () => {
  const heartbeats = new HandHeartbeats();
  const ended = Promise.withResolvers<boolean>();
  const follow = async function* (signal: AbortSignal) {
    try {
      for (;;) yield deleted(7);
    } finally {
      ended.resolve(signal.aborted);
    }
  };
  const stream = jobEventStream(follow, { heartbeats, quiet: false, traceback: true });
  const reader = stream.getReader();
  await reader.read();
  await reader.cancel();
  assertEquals(await ended.promise, true);
  assertEquals(heartbeats.beats.size, 0);
});
