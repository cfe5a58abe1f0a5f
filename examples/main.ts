/**
 * A service with a task of each kind, to run, to paste from, and to begin your own with:
 *
 * ```sh
 * bun run examples/main.ts         # or bun --hot examples/main.ts, while you change it
 * ```
 *
 * `HOST`, `PORT` and `DATABASE_URL` say where it listens and what it writes to. `ALLOW_SHELL=1`
 * adds `run_command`, by which every caller runs any command: never where strangers can call.
 *
 * @module
 */
import { Database, registry, runShell, ServiceBuilder, Session, TaskContext } from "taskmount";
import * as v from "valibot";
import { listen } from "./listen.ts";
import { readSettings } from "./settings.ts";
import { migrate } from "./tables.ts";
import { countFiles } from "./tasks/count_files.ts";
import { processCsv } from "./tasks/process_csv.ts";
import { welcome } from "./welcome.ts";

// When `bun --hot` runs this file again, its tasks are registered again.
registry.clear();

registry.register("greet_user", {
  description: "Greets somebody.",
  tags: ["demo", "simple"],
  params: v.object({ name: v.optional(v.string(), "World") }),
  run: ({ name }) => ({ message: `Hello, ${name}!` }),
});

registry.register("multiply_numbers", {
  description: "Multiplies two numbers.",
  tags: ["demo", "math"],
  params: v.object({ a: v.number(), b: v.number() }),
  run: ({ a, b }) => ({ result: a * b, a, b }),
});

registry.register("process_data", {
  description: "Gets the database injected, and tells which it is.",
  tags: ["demo", "injection"],
  inject: [Database],
  run: (_params, database) => ({ status: "processed", database_url: database.url }),
});

registry.register("with_dependencies", {
  description: "Gets a database and a session injected, beside what the caller sends.",
  tags: ["demo", "injection"],
  params: v.object({ custom_param: v.optional(v.string(), "default") }),
  inject: [Database, Session],
  run: ({ custom_param }, database, _session) => ({ database_url: database.url, custom_param }),
});

registry.register("list_files", {
  description: "Lists a directory by a shell command, which is given five seconds.",
  tags: ["filesystem"],
  params: v.object({ directory: v.optional(v.pipe(v.string(), v.nonEmpty()), ".") }),
  inject: [TaskContext],
  run: async ({ directory }, { signal }) => {
    const { stdout, returncode } = await runShell("ls -la", { cwd: directory, timeout: 5, signal });
    return { directory, output: stdout, success: returncode === 0 };
  },
});

registry.register("failing_task", {
  description: "Fails, to show what callers get to see of an error.",
  tags: ["demo"],
  run: () => {
    throw new Error("This task always fails");
  },
});

// Tasks that deserve a file of their own are made there.
registry.register(processCsv);
registry.register(countFiles);

try {
  const settings = readSettings(process.env);
  if (settings.allowShell) {
    registry.register("run_command", {
      description: "Runs a shell command.",
      tags: ["demo", "subprocess"],
      params: v.object({ command: v.string() }),
      inject: [TaskContext],
      run: ({ command }, { signal }) => runShell(command, { signal }),
    });
  }
  const service = new ServiceBuilder({
    id: "taskmount-example",
    displayName: "taskmount example",
    version: "1.0.0",
  })
    .withDatabase(Database.open(settings.databaseUrl))
    .withTasks()
    .withHealth()
    .onStartup(({ database }) => migrate(database))
    .build();
  const server = listen(service, settings);
  await service.start();
  console.log(welcome(server.url.origin));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
