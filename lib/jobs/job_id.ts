import { UlidSequence } from "../storage/mod.ts";
import type { Clock } from "./clock.ts";

const sequences = new WeakMap<Clock, UlidSequence>();

/**
 * The id of a new job, a ULID of its clock's time, `now`. The ids of one clock never go back; those
 * of a clock that a test has advanced by a year take nobody else along.
 */
export function jobId(clock: Clock, now: number): string {
  let sequence = sequences.get(clock);
  if (sequence === undefined) {
    sequence = new UlidSequence();
    sequences.set(clock, sequence);
  }
  return sequence.next(now);
}
