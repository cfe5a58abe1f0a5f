// The whole service. Arguments: how many tasks are registered, and what the greeting injects.
import * as v from "valibot";
import {
  type Injectable,
  ServiceBuilder,
  Session,
  TaskContext,
  TaskRegistry,
} from "../../lib/mod.ts";
import { serve } from "./serve.ts";

const [count, ...names] = process.argv.slice(2);
const tokens: Record<string, Injectable> = { Session, TaskContext };

const registry = new TaskRegistry();
const params = v.object({ name: v.optional(v.string(), "World") });
registry.register("greet_user", {
  params,
  inject: names.map((name) => tokens[name] ?? TaskContext),
  run: ({ name }) => ({ message: `Hello, ${name}!` }),
});
for (let index = 1; index < Number(count); index++) {
  registry.register(`task_${index}`, { params, run: ({ name }) => ({ name }) });
}
const service = new ServiceBuilder({ displayName: "Bench", signals: false })
  .withTasks({ registry })
  .withHealth()
  .build();
await service.start();
serve(service.fetch);
