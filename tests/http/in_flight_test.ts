import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { InFlight } from "../../lib/http/mod.ts";

test("settle() resolves at once where nothing is under way", async () => {
  await new InFlight().settle(60);
});

test("settle() waits for the last of what is under way", async () => {
  const inFlight = new InFlight();
  const order: string[] = [];
  inFlight.begin();
  inFlight.begin();
  const settled = Promise.all(
    [1, 2].map(() => inFlight.settle(60).then(() => order.push("settled"))),
  );
  inFlight.end();
  await new Promise((resolve) => setImmediate(resolve));
  order.push("last");
  inFlight.end();
  await settled;
  assertEquals(order, ["last", "settled", "settled"]);
});

test("settle() gives up after its seconds, and waits for ever where they are endless", async () => {
  const inFlight = new InFlight();
  inFlight.begin();
  await inFlight.settle(0.001);
  const settled = inFlight.settle(Number.POSITIVE_INFINITY).then(() => "settled");
  const turn = new Promise((resolve) => setImmediate(() => resolve("turn")));
  assertEquals(await Promise.race([settled, turn]), "turn");
  inFlight.end();
  assertEquals(await settled, "settled");
});
