import { test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { type Slot, Slots } from "../../lib/jobs/slots.ts";

/** Slots, and how often they have said that one is free. */
class Bed {
  freed = 0;
  readonly slots: Slots;

  constructor(max: number) {
    this.slots = new Slots(max, () => {
      this.freed += 1;
    });
  }
}

/** A slot that is given up while its job waits, which the test ends. */
class Yielding {
  isBack = false;
  readonly back: Promise<void>;
  readonly #work = Promise.withResolvers<void>();

  constructor(slot: Slot) {
    this.back = slot
      .yieldDuring(() => this.#work.promise)
      .then(() => {
        this.isBack = true;
      });
  }

  /** Ends what the job waits for; resolves once all has happened that can. */
  async end(): Promise<void> {
    this.#work.resolve();
    await settled();
  }
}

/** Resolves when all has happened that needs no event from outside. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("free is what of max is not taken", () => {
  const { slots } = new Bed(3);
  assertEquals(slots.free, 3);
  const first = slots.take();
  slots.take();
  assertEquals(slots.free, 1);
  first.end();
  assertEquals(slots.free, 2);
});

test("take() takes a slot though none is free", () => {
  const bed = new Bed(1);
  const [first, second] = [bed.slots.take(), bed.slots.take()];
  assertEquals(bed.slots.free, 0);
  first.end();
  assertEquals({ free: bed.slots.free, freed: bed.freed }, { free: 0, freed: 0 });
  second.end();
  assertEquals({ free: bed.slots.free, freed: bed.freed }, { free: 1, freed: 1 });
});

test("end() frees a slot once", () => {
  const bed = new Bed(2);
  const slot = bed.slots.take();
  bed.slots.take();
  slot.end();
  slot.end();
  assertEquals({ free: bed.slots.free, freed: bed.freed }, { free: 1, freed: 1 });
});

test("max may rise and fall while slots are taken", () => {
  const bed = new Bed(1);
  const first = bed.slots.take();
  bed.slots.max = 3;
  assertEquals(bed.slots.max, 3);
  assertEquals({ free: bed.slots.free, freed: bed.freed }, { free: 2, freed: 1 });
  const second = bed.slots.take();
  bed.slots.max = 1;
  assertEquals({ free: bed.slots.free, freed: bed.freed }, { free: 0, freed: 1 });
  first.end();
  assertEquals({ free: bed.slots.free, freed: bed.freed }, { free: 0, freed: 1 });
  second.end();
  assertEquals({ free: bed.slots.free, freed: bed.freed }, { free: 1, freed: 2 });
});

test("yieldDuring() gives the slot to others meanwhile, and gives what its work gave", async () => {
  const bed = new Bed(1);
  const slot = bed.slots.take();
  const value = await slot.yieldDuring(async () => {
    assertEquals({ free: bed.slots.free, freed: bed.freed }, { free: 1, freed: 1 });
    return 7;
  });
  assertEquals(value, 7);
  assertEquals(bed.slots.free, 0);
  await assertRejects(() => slot.yieldDuring(() => Promise.reject(new RangeError("no"))));
  assertEquals(bed.slots.free, 0);
  slot.end();
  assertEquals(bed.slots.free, 1);
});

test("yieldDuring() waits for another slot", async () => {
  const bed = new Bed(1);
  const yielding = new Yielding(bed.slots.take());
  const other = bed.slots.take();
  await yielding.end();
  assertEquals(yielding.isBack, false);
  other.end();
  await yielding.back;
  assertEquals(bed.slots.free, 0);
});

test("a job that goes on comes before a new one, and the first that waits first", async () => {
  const bed = new Bed(2);
  const waiting = [bed.slots.take(), bed.slots.take()].map((slot) => new Yielding(slot));
  const others = [bed.slots.take(), bed.slots.take()];
  const freed = bed.freed;
  for (const yielding of waiting.toReversed()) await yielding.end();
  const [first, second] = waiting;
  others[0]?.end();
  await settled();
  assertEquals([first?.isBack, second?.isBack], [false, true]);
  assertEquals({ free: bed.slots.free, freed: bed.freed }, { free: 0, freed });
  bed.slots.max = 3;
  await settled();
  assertEquals(first?.isBack, true);
  assertEquals({ free: bed.slots.free, freed: bed.freed }, { free: 0, freed });
});

test("a job that ends while it waits takes no slot again", async () => {
  const bed = new Bed(1);
  const slot = bed.slots.take();
  const yielding = new Yielding(slot);
  slot.end();
  assertEquals(bed.slots.free, 1);
  await yielding.end();
  assertEquals(bed.slots.free, 1);
});

test("a job that ends while it waits for a slot leaves that to others", async () => {
  const bed = new Bed(1);
  const slot = bed.slots.take();
  const yielding = new Yielding(slot);
  const other = bed.slots.take();
  await yielding.end();
  slot.end();
  const freed = bed.freed;
  other.end();
  await yielding.back;
  assertEquals({ free: bed.slots.free, freed: bed.freed }, { free: 1, freed: freed + 1 });
});

test("a job that waits for another still needs no slot when one wait ends", async () => {
  const bed = new Bed(1);
  const slot = bed.slots.take();
  const [first, second] = [new Yielding(slot), new Yielding(slot)];
  const other = bed.slots.take();
  await first.end();
  assertEquals(first.isBack, true);
  await second.end();
  assertEquals(second.isBack, false);
  other.end();
  await second.back;
});

test("a job that has ended needs no slot when its wait ends", async () => {
  const bed = new Bed(1);
  const slot = bed.slots.take();
  const yielding = new Yielding(slot);
  bed.slots.take();
  slot.end();
  await yielding.end();
  assertEquals(yielding.isBack, true);
});

test("a job that waits for several others gives its slot up once", async () => {
  const bed = new Bed(2);
  const slot = bed.slots.take();
  bed.slots.take();
  const [first, second] = [new Yielding(slot), new Yielding(slot)];
  assertEquals(bed.slots.free, 1);
  await first.end();
  // It goes on waiting for the second.
  assertEquals({ isBack: first.isBack, free: bed.slots.free }, { isBack: true, free: 1 });
  await second.end();
  assertEquals({ isBack: second.isBack, free: bed.slots.free }, { isBack: true, free: 0 });
  slot.end();
  assertEquals(bed.slots.free, 1);
});

test("a job that waits for a slot and for another job needs one slot only", async () => {
  const bed = new Bed(1);
  const slot = bed.slots.take();
  const first = new Yielding(slot);
  const other = bed.slots.take();
  await first.end();
  const second = new Yielding(slot);
  await second.end();
  assertEquals([first.isBack, second.isBack], [false, false]);
  other.end();
  await settled();
  assertEquals([first.isBack, second.isBack], [true, true]);
  slot.end();
  assertEquals(bed.slots.free, 1);
});

test("a job that is given a slot while it waits for another job leaves it to others", async () => {
  const bed = new Bed(1);
  const slot = bed.slots.take();
  const first = new Yielding(slot);
  const other = bed.slots.take();
  await first.end();
  const second = new Yielding(slot);
  other.end();
  await settled();
  assertEquals({ isBack: first.isBack, free: bed.slots.free }, { isBack: true, free: 1 });
  await second.end();
  assertEquals({ isBack: second.isBack, free: bed.slots.free }, { isBack: true, free: 0 });
});
