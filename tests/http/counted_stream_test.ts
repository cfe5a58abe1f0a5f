import { test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { countedStream, InFlight } from "../../lib/http/mod.ts";

/** Counts what is begun and not ended. */
class Counting extends InFlight {
  count = 0;

  override begin(): void {
    this.count += 1;
    super.begin();
  }

  override end(): void {
    this.count -= 1;
    super.end();
  }
}

function streamOf(pieces: number, failure?: Error): ReadableStream<Uint8Array> {
  let left = pieces;
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      left -= 1;
      if (left >= 0) return controller.enqueue(new Uint8Array(10));
      if (failure === undefined) controller.close();
      else controller.error(failure);
    },
  });
}

test("countedStream() counts from the first read to the end", async () => {
  const inFlight = new Counting();
  const reader = countedStream(streamOf(2), inFlight).getReader();
  assertEquals(inFlight.count, 0);
  await reader.read();
  assertEquals(inFlight.count, 1);
  await reader.read();
  assertEquals(inFlight.count, 1);
  assertEquals((await reader.read()).done, true);
  assertEquals(inFlight.count, 0);
});

test("countedStream() ends with a failure, and when it is canceled, once", async () => {
  const inFlight = new Counting();
  const failing = countedStream(streamOf(1, new RangeError("gone")), inFlight).getReader();
  await failing.read();
  await assertRejects(() => failing.read(), RangeError, "gone");
  assertEquals(inFlight.count, 0);
  const canceled = countedStream(streamOf(5), inFlight).getReader();
  await canceled.read();
  await canceled.cancel();
  assertEquals(inFlight.count, 0);
  await countedStream(streamOf(5), inFlight).cancel();
  assertEquals(inFlight.count, 0);
});
