import { jest, test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ApiKeys } from "../../lib/auth/api_keys.ts";
import { KeyRing } from "../../lib/auth/key_ring.ts";
import { keySource } from "../../lib/auth/key_source.ts";
import type { ApiKey } from "../../lib/mod.ts";
import { RecordingLogger } from "./recording_logger.ts";

function ring(ask: () => Promise<readonly ApiKey[]> | readonly ApiKey[], refresh: number) {
  const logger = new RecordingLogger();
  return { logger, ring: new KeyRing(keySource(ask), { refresh, logger }) };
}

test("current() is no promise while the keys hold", async () => {
  const fixed = new KeyRing(keySource(["one"]), { refresh: 0, logger: new RecordingLogger() });
  assert(fixed.current() instanceof ApiKeys);
  let asked = 0;
  const { ring: asking } = ring(() => {
    asked += 1;
    return ["one"];
  }, 60);
  assert(asking.current() instanceof Promise);
  await asking.current();
  assert(asking.current() instanceof ApiKeys);
  assertEquals(asked, 1);
});

test("current() asks again once the keys are too old, and lets nobody in by the old ones", async () => {
  let keys = ["one"];
  const { ring: asking } = ring(() => keys, 0);
  assert((await asking.current()).find("one"));
  keys = ["two"];
  assertEquals((await asking.current()).find("one"), undefined);
  assert((await asking.current()).find("two"));
});

test("current() asks once for all who wait", async () => {
  const answer = Promise.withResolvers<readonly ApiKey[]>();
  let asked = 0;
  const { ring: asking } = ring(() => {
    asked += 1;
    return answer.promise;
  }, 0);
  const waiting = [asking.current(), asking.current(), asking.current()];
  answer.resolve(["one"]);
  for (const keys of await Promise.all(waiting)) assert(keys.find("one"));
  assertEquals(asked, 1);
});

test("where the source fails the last good keys stay, and the log says so once", async () => {
  let answer: () => readonly ApiKey[] = () => ["the-secret"];
  const { ring: asking, logger } = ring(() => answer(), 0);
  await asking.current();
  answer = () => {
    throw new Error("the vault is closed");
  };
  for (let turn = 0; turn < 3; turn++) assert((await asking.current()).find("the-secret"));
  const failure = "error the keys can't be read again; those of before stay valid";
  assertEquals(logger.lines, [`${failure} error=Error: the vault is closed`]);
  answer = () => ["the-secret", "the-secret"];
  assert((await asking.current()).find("the-secret"));
  assertEquals(logger.lines.length, 2);
  answer = () => ["another-secret"];
  assertEquals((await asking.current()).find("the-secret"), undefined);
  assertEquals(logger.lines.at(-1), "debug the keys were read again from=the function keys=1");
  assert(!logger.lines.join().includes("secret"));
});

test("where there never were any keys, current() rejects, and asks again the next time", async () => {
  let answer: () => readonly ApiKey[] = () => {
    throw new Error("the vault is closed");
  };
  const { ring: asking } = ring(() => answer(), 60);
  await assertRejects(async () => await asking.current(), Error, "the vault is closed");
  answer = () => ["one"];
  assert((await asking.current()).find("one"));
});

test("a source that does not answer within five seconds has failed", async () => {
  jest.useFakeTimers();
  let answer: () => Promise<readonly ApiKey[]> = async () => ["one"];
  const { ring: asking, logger } = ring(() => answer(), 0);
  await asking.current();
  answer = () => new Promise(() => {});
  try {
    const waiting = asking.current();
    jest.advanceTimersByTime(5_000);
    assert((await waiting).find("one"));
  } finally {
    jest.useRealTimers();
  }
  assertStringIncludes(logger.lines.join(), "there was no answer within 5 seconds");
});
