// `bun run bench`: everything in one run.
import { cpus } from "node:os";

const [processor] = cpus();
console.log(`${processor?.model}, ${cpus().length} cores; Bun ${Bun.version}`);
await import("./execute.ts");
await import("./shell.ts");
await import("./artifacts.ts");
await import("./jobs.ts");
