// The service that `bench/soak.ts` sends dying clients to, in a process of its own: `server.ts DATABASE`.
// It tells its port to its parent, and answers each message with what it holds.
import { setTimeout as sleep } from "node:timers/promises";
import { Database, ServiceBuilder, Session, TaskContext, TaskRegistry } from "../../lib/mod.ts";

/** Larger than what a socket takes at once, and no larger than what a job may return. */
const LARGE = "x".repeat(1_000_000);

const registry = new TaskRegistry();
registry.register("echo", { run: (params) => params });
registry.register("large", { run: () => ({ text: LARGE }) });
registry.register("wait", {
  inject: [TaskContext, Session],
  run: async (_params, { signal, progress }, session) => {
    await session.transaction(async () => {});
    progress(0.5);
    await sleep(50, undefined, { signal });
  },
});

const service = new ServiceBuilder({ displayName: "Soak" })
  .withDatabase(Database.sqlite(process.argv[2] ?? ":memory:"))
  .withTasks({ registry })
  .withJobs({ retention: { completed: { count: 1_000 } } })
  .withArtifacts()
  .withHealth()
  .build();
await service.start();
const server = Bun.serve({ ...service, hostname: "127.0.0.1", port: 0 });
process.on("message", () => {
  process.send?.({ resident: process.memoryUsage.rss(), pending: server.pendingRequests });
});
process.send?.({ port: server.port });
