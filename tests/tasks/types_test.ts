import { expectTypeOf, test } from "bun:test";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import {
  Database,
  defineTask,
  optional,
  Session,
  type Task,
  TaskContext,
  TaskExecutor,
  TaskRegistry,
  token,
} from "../../lib/mod.ts";

interface Mailer {
  send(to: string): Promise<void>;
}
const Mailer = token<Mailer>("Mailer");
const registry = new TaskRegistry();
const Name = v.object({ name: v.optional(v.string(), "World"), times: v.number() });

test("register() infers params and every injected argument", () => {
  registry.register("inferred", {
    inject: [Database, Session, optional(Mailer), Mailer, TaskContext],
    params: Name,
    run: (params, database, session, perhaps, mailer, context) => {
      expectTypeOf(params).toEqualTypeOf<{ name: string; times: number }>();
      expectTypeOf(database).toEqualTypeOf<Database>();
      expectTypeOf(session).toEqualTypeOf<Session>();
      expectTypeOf(perhaps).toEqualTypeOf<Mailer | undefined>();
      expectTypeOf(mailer).toEqualTypeOf<Mailer>();
      expectTypeOf(context).toEqualTypeOf<TaskContext>();
      return { ok: true };
    },
  });
});

test("register() infers with run before inject and as a method", () => {
  registry.register("run-first", {
    run: async ({ times }, session) => {
      expectTypeOf(times).toEqualTypeOf<number>();
      expectTypeOf(session).toEqualTypeOf<Session>();
    },
    params: Name,
    inject: [Session],
  });
  registry.register("method", {
    params: Name,
    inject: [Database],
    async run({ name }, database) {
      expectTypeOf(name).toEqualTypeOf<string>();
      expectTypeOf(database).toEqualTypeOf<Database>();
      return { name };
    },
  });
});

test("register() infers from zod and arktype", () => {
  registry.register("zod", {
    params: z.object({ count: z.number().default(1) }),
    run: (params) => {
      expectTypeOf(params).toEqualTypeOf<{ count: number }>();
      return params;
    },
  });
  const task = registry.register("arktype", {
    params: type({ count: "number" }),
    inject: [Session],
    run: ({ count }, session) => {
      expectTypeOf(count).toEqualTypeOf<number>();
      expectTypeOf(session).toEqualTypeOf<Session>();
      return { count };
    },
  });
  expectTypeOf(task).toEqualTypeOf<Task<"arktype", { count: number }, { count: number }>>();
});

test("registerFunction() infers like register()", () => {
  registry.registerFunction(
    "function",
    ({ times }, session) => {
      expectTypeOf(times).toEqualTypeOf<number>();
      expectTypeOf(session).toEqualTypeOf<Session>();
      return { times };
    },
    { params: Name, inject: [Session] },
  );
  const double = ({ value }: { value: number }) => ({ doubled: value * 2 });
  const task = registry.registerFunction("double", double, {
    params: v.object({ value: v.number() }),
  });
  expectTypeOf(task).toEqualTypeOf<Task<"double", { value: number }, { doubled: number }>>();
});

test("a task's type carries name, input and result", () => {
  const task = defineTask("typed", {
    params: Name,
    returns: v.object({ at: v.pipe(v.string(), v.transform(Number)) }),
    run: () => ({ at: "1" }),
  });
  expectTypeOf(task).toEqualTypeOf<
    Task<"typed", { name?: string | undefined; times: number }, { at: number }>
  >();
  expectTypeOf(registry.register(task)).toEqualTypeOf(task);
  const nothing = defineTask("nothing", { run: () => {} });
  expectTypeOf(nothing.name).toEqualTypeOf<"nothing">();
  const list: Task[] = [task, nothing];
  expectTypeOf(list).toEqualTypeOf<Task[]>();
});

test("execute() is typed by its task", () => {
  const executor = new TaskExecutor({ registry, database: Database.sqlite(":memory:") });
  const greet = defineTask("greet", { params: Name, run: ({ name }) => ({ hello: name }) });
  const idle = defineTask("idle", { run: async () => {} });
  const check = () => {
    expectTypeOf(executor.execute(greet, { times: 1 })).toEqualTypeOf<Promise<{ hello: string }>>();
    expectTypeOf(executor.execute("greet", { any: 1 })).toEqualTypeOf<Promise<unknown>>();
    expectTypeOf(executor.execute(idle)).toEqualTypeOf<Promise<void>>();
    // @ts-expect-error times is missing
    void executor.execute(greet, {});
    // @ts-expect-error params are missing
    void executor.execute(greet);
    // @ts-expect-error times is a number
    void executor.execute(greet, { times: "1" });
  };
  expectTypeOf(check).toBeFunction();
});

test("what the types refuse", () => {
  const refused = () => {
    registry.register("a", {
      inject: [Session],
      // @ts-expect-error a Session is no Database
      run: (_params, database: Database) => ({ url: database.url }),
    });
    registry.register("b", {
      params: Name,
      // @ts-expect-error times is a number
      run: ({ times }: { times: string }) => ({ times }),
    });
    registry.register("c", {
      // @ts-expect-error without a schema there are no params
      run: ({ name }) => ({ name }),
    });
    registry.register("d", {
      // @ts-expect-error without a schema there are no params
      run: ({ name }: { name: string }) => ({ name }),
    });
    registry.register("e", {
      // @ts-expect-error a result is an object
      run: () => "text",
    });
    registry.register("f", {
      // @ts-expect-error the option is called tags
      tag: ["x"],
      run: () => {},
    });
    registry.register("g", {
      // @ts-expect-error count is missing in the result
      returns: v.object({ count: v.number() }),
      run: () => ({ amount: 1 }),
    });
    registry.register("h", {
      inject: [optional(Mailer)],
      // @ts-expect-error nobody may provide it
      run: (_params, mailer) => ({ sent: mailer.send("x") }),
    });
    registry.register("i", {
      inject: [Session, Database],
      // @ts-expect-error the order is Session, Database
      run: (_params, database: Database, session: Session) => ({ database, session }),
    });
    registry.register("j", {
      // @ts-expect-error a string is no token
      inject: ["Database"],
      run: () => {},
    });
    registry.register("k", {
      inject: [Session],
      // @ts-expect-error one token injects one argument
      run: (_params, session, more) => ({ session, more }),
    });
    // @ts-expect-error run is missing
    registry.register("l", { tags: [] });
  };
  expectTypeOf(refused).toBeFunction();
});

test("provide() infers what its factory is given and holds what it makes", () => {
  const executor = new TaskExecutor({ registry, database: Database.sqlite(":memory:") });
  const check = () => {
    executor.provide(Mailer, {
      inject: [Database, optional(Mailer)],
      create: (database, mailer) => {
        expectTypeOf(database).toEqualTypeOf<Database>();
        expectTypeOf(mailer).toEqualTypeOf<Mailer | undefined>();
        return { send: async () => {} };
      },
    });
    executor.provide(Mailer, { create: async () => ({ send: async () => {} }) });
    // @ts-expect-error that is no Mailer
    executor.provide(Mailer, { create: () => ({ post: async () => {} }) });
    // @ts-expect-error there is no such scope
    executor.provide(Mailer, { scope: "request", create: () => ({ send: async () => {} }) });
  };
  expectTypeOf(check).toBeFunction();
});
