// One candidate in a process of its own, measured whenever the parent says so.
import { type MeasureName, measure } from "./measures.ts";
import { CANDIDATES, type CandidateName } from "./queues/mod.ts";

// The parent says which, and nobody else starts this.
const candidate = CANDIDATES[process.argv[2] as CandidateName];
process.on("message", async (name: MeasureName) => {
  process.send?.(await measure(name, candidate));
});
process.send?.("ready");
