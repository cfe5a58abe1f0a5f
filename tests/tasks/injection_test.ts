import { test } from "bun:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { sql } from "kysely";
import * as v from "valibot";
import { Database, Session } from "../../lib/storage/mod.ts";
import { MissingProviderError, optional, TaskContext, token } from "../../lib/tasks/mod.ts";
import { TestExecutor } from "./test_executor.ts";

const Counter = token<{ readonly number: number }>("Counter");
const Mailer = token<string>("Mailer");
const Server = token<string>("Server");

/** Makes counters with the numbers 1, 2, 3... */
function counting(): () => { number: number } {
  let made = 0;
  return () => ({ number: ++made });
}

test("a task is given its params, then what it injects in that order", async () => {
  await using bench = new TestExecutor();
  bench.registry.register("all", {
    inject: [TaskContext, Database, Session, optional(Mailer)],
    params: v.object({ custom: v.optional(v.string(), "default") }),
    run: (...args: unknown[]) => ({ args }),
  });
  const { args } = (await bench.executor.execute("all")) as { args: unknown[] };
  assertEquals(args.length, 5);
  assertEquals(args[0], { custom: "default" });
  assertInstanceOf(args[1], TaskContext);
  assertStrictEquals(args[2], bench.database);
  assertInstanceOf(args[3], Session);
  assertEquals(args[4], undefined);
});

test("a session reads the executor's database", async () => {
  await using bench = new TestExecutor();
  bench.registry.register("read", {
    inject: [Session],
    run: async (_params, session) => {
      const { rows } = await sql`select 1 as one`.execute(session.kysely());
      return { rows };
    },
  });
  assertEquals(await bench.executor.execute("read"), { rows: [{ one: 1 }] });
});

test("an optional token gives undefined until somebody provides it", async () => {
  await using bench = new TestExecutor();
  bench.registry.register("mailed", {
    inject: [optional(Mailer)],
    run: (_params, mailer) => ({ mailer: mailer ?? null }),
  });
  assertEquals(await bench.executor.execute("mailed"), { mailer: null });
  bench.executor.provide(Mailer, { create: () => "smtp" });
  assertEquals(await bench.executor.execute("mailed"), { mailer: "smtp" });
});

test("a factory's optional token is there too once somebody provides it", async () => {
  await using bench = new TestExecutor();
  bench.executor.provide(Mailer, {
    scope: "execution",
    inject: [optional(Server)],
    create: (server) => `mailer of ${server}`,
  });
  bench.registry.register("mailed", {
    inject: [Mailer],
    run: (_params, mailer) => ({ mailer }),
  });
  assertEquals(await bench.executor.execute("mailed"), { mailer: "mailer of undefined" });
  bench.executor.provide(Server, { create: () => "server" });
  assertEquals(await bench.executor.execute("mailed"), { mailer: "mailer of server" });
});

test("a missing provider is named with its task, before anything is made", async () => {
  await using bench = new TestExecutor();
  let made = 0;
  bench.executor.provide(Counter, { create: () => ({ number: ++made }) });
  bench.registry.register("mail", { inject: [Counter, Mailer], run: () => {} });
  await assertRejects(
    () => bench.executor.execute("mail"),
    MissingProviderError,
    'The task "mail" needs "Mailer", which nobody provides: call provide() for it, or ask for optional(Mailer)',
  );
  assertEquals(made, 0);
});

test("a missing provider of a provider is named with its task and the way there", async () => {
  await using bench = new TestExecutor();
  bench.executor.provide(Counter, { inject: [Mailer], create: () => ({ number: 1 }) });
  bench.executor.provide(Mailer, { inject: [Server], create: (server) => server });
  bench.registry.register("deep", { inject: [optional(Counter)], run: () => {} });
  await assertRejects(
    () => bench.executor.execute("deep"),
    MissingProviderError,
    'The task "deep" needs "Counter", whose provider needs "Mailer", whose provider needs "Server", which nobody provides: call provide() for it, or ask for optional(Server)',
  );
  bench.executor.provide(Server, { create: () => "late" });
  assertEquals(await bench.executor.execute("deep"), undefined);
});

test("a singleton is made once, when it is first asked for", async () => {
  await using bench = new TestExecutor();
  let made = 0;
  bench.executor.provide(Counter, { create: () => ({ number: ++made }) });
  bench.registry.register("count", { inject: [Counter], run: (_params, counter) => counter });
  assertEquals(made, 0);
  for (let run = 0; run < 3; run++) {
    assertEquals(await bench.executor.execute("count"), { number: 1 });
  }
});

test("a singleton is made once for runs at the same time", async () => {
  await using bench = new TestExecutor();
  const gate = Promise.withResolvers<void>();
  const create = counting();
  bench.executor.provide(Counter, {
    create: async () => {
      await gate.promise;
      return create();
    },
  });
  bench.registry.register("count", { inject: [Counter], run: (_params, counter) => ({ counter }) });
  const runs = Array.from({ length: 100 }, () => bench.executor.execute("count"));
  gate.resolve();
  const results = (await Promise.all(runs)) as { counter: object }[];
  assertEquals(new Set(results.map(({ counter }) => counter)).size, 1);
});

test("each executor makes its own singletons", async () => {
  await using one = new TestExecutor();
  await using two = new TestExecutor();
  const create = counting();
  for (const { executor, registry } of [one, two]) {
    executor.provide(Counter, { create });
    registry.register("count", { inject: [Counter], run: (_params, counter) => counter });
  }
  assertEquals(await one.executor.execute("count"), { number: 1 });
  assertEquals(await two.executor.execute("count"), { number: 2 });
});

test("a value of a run is made once in it, however many ask", async () => {
  await using bench = new TestExecutor();
  bench.executor.provide(Counter, { scope: "execution", create: counting() });
  bench.executor.provide(Mailer, {
    scope: "execution",
    inject: [Counter],
    create: ({ number }) => `mailer ${number}`,
  });
  bench.executor.provide(Server, {
    scope: "execution",
    inject: [Mailer, Counter],
    create: (mailer, { number }) => `${mailer}, server ${number}`,
  });
  bench.registry.register("diamond", {
    inject: [Server, Counter, Mailer],
    run: (_params, server, { number }, mailer) => ({ server, number, mailer }),
  });
  for (const number of [1, 2]) {
    assertEquals(await bench.executor.execute("diamond"), {
      server: `mailer ${number}, server ${number}`,
      number,
      mailer: `mailer ${number}`,
    });
  }
});

test("runs at the same time have each their own value", async () => {
  await using bench = new TestExecutor();
  const gate = Promise.withResolvers<void>();
  const create = counting();
  bench.executor.provide(Counter, {
    scope: "execution",
    create: async () => {
      await gate.promise;
      return create();
    },
  });
  bench.registry.register("count", { inject: [Counter], run: (_params, counter) => counter });
  const runs = Array.from({ length: 100 }, () => bench.executor.execute("count"));
  gate.resolve();
  const numbers = (await Promise.all(runs)).map((result) => (result as { number: number }).number);
  assertEquals(
    numbers.toSorted((a, b) => a - b),
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
});

test("a factory may return a promise, and is given what it injects", async () => {
  await using bench = new TestExecutor();
  bench.executor.provide(Server, {
    inject: [Database],
    create: async (database) => `server of ${database.url}`,
  });
  bench.executor.provide(Mailer, {
    scope: "execution",
    inject: [Session, TaskContext, Server],
    create: async (session, context, server) => {
      assertInstanceOf(session, Session);
      return `${context.taskName}: ${server}`;
    },
  });
  bench.registry.register("mail", { inject: [Mailer], run: (_params, mailer) => ({ mailer }) });
  assertEquals(await bench.executor.execute("mail"), {
    mailer: "mail: server of sqlite::memory:",
  });
});

test("a run's factories share the session and the context of its task", async () => {
  await using bench = new TestExecutor();
  const Pair = token<{ session: Session; context: TaskContext }>("Pair");
  bench.executor.provide(Pair, {
    scope: "execution",
    inject: [Session, TaskContext],
    create: (session, context) => ({ session, context }),
  });
  bench.registry.register("share", {
    inject: [Pair, Session, TaskContext],
    run: (_params, pair, session, context) => {
      assertStrictEquals(pair.session, session);
      assertStrictEquals(pair.context, context);
      return { session };
    },
  });
  const one = (await bench.executor.execute("share")) as { session: Session };
  const two = (await bench.executor.execute("share")) as { session: Session };
  assert(one.session !== two.session);
});

test("falsy values are values", async () => {
  await using bench = new TestExecutor();
  const values = [undefined, null, 0, "", false] as const;
  let made = 0;
  const tokens = values.map((value, index) => {
    const Value = token<unknown>(`Value${index}`);
    const create = () => {
      made += 1;
      return value;
    };
    bench.executor.provide(Value, { scope: index % 2 === 0 ? "execution" : "singleton", create });
    return Value;
  });
  bench.registry.register("falsy", {
    inject: [...tokens, ...tokens],
    run: (_params, ...injected: unknown[]) => ({ injected }),
  });
  assertEquals(await bench.executor.execute("falsy"), { injected: [...values, ...values] });
  assertEquals(made, values.length);
});

test("a factory that fails fails the run with its own error", async () => {
  await using bench = new TestExecutor();
  bench.executor.provide(Counter, {
    scope: "execution",
    create: () => {
      throw new RangeError("no counter left");
    },
  });
  let ran = false;
  bench.registry.register("count", {
    inject: [Counter],
    run: () => {
      ran = true;
    },
  });
  await assertRejects(() => bench.executor.execute("count"), RangeError, "no counter left");
  assert(!ran);
});

test("a singleton whose factory failed is tried again by the next run", async () => {
  await using bench = new TestExecutor();
  let attempts = 0;
  bench.executor.provide(Counter, {
    create: async () => {
      attempts += 1;
      if (attempts < 3) throw new Error(`attempt ${attempts}`);
      return { number: attempts };
    },
  });
  bench.registry.register("count", { inject: [Counter], run: (_params, counter) => counter });
  const together = await Promise.allSettled([
    bench.executor.execute("count"),
    bench.executor.execute("count"),
  ]);
  assertEquals(
    together.map((result) => (result.status === "rejected" ? result.reason.message : null)),
    ["attempt 1", "attempt 1"],
  );
  await assertRejects(() => bench.executor.execute("count"), Error, "attempt 2");
  assertEquals(await bench.executor.execute("count"), { number: 3 });
  assertEquals(await bench.executor.execute("count"), { number: 3 });
});

test("what a caller sends never fills or replaces an injected argument", async () => {
  await using bench = new TestExecutor();
  bench.executor.provide(Mailer, { create: () => "the real one" });
  const run = (...args: unknown[]) => ({ injected: args.slice(1), count: args.length });
  bench.registry.register("none", { inject: [Mailer, optional(Server)], run });
  bench.registry.register("loose", {
    inject: [Mailer, optional(Server)],
    params: v.looseObject({}),
    run,
  });
  const sent = [
    { Mailer: "forged", Server: "forged", mailer: "forged", session: "forged", inject: ["x"] },
    JSON.parse('{"__proto__": {"Mailer": "forged", "1": "forged"}, "1": "forged", "2": "forged"}'),
    { arguments: ["forged"], length: 3, constructor: { prototype: { Mailer: "forged" } } },
    ["forged", "forged", "forged"],
  ];
  for (const params of sent) {
    for (const name of ["none", "loose"]) {
      assertEquals(await bench.executor.execute(name, params), {
        injected: ["the real one", undefined],
        count: 3,
      });
    }
  }
  assertEquals(Object.keys(Object.prototype), []);
});

test("a required token is missing even if the caller sends a param of its name", async () => {
  await using bench = new TestExecutor();
  bench.registry.register("loose", {
    inject: [Mailer],
    params: v.looseObject({}),
    run: () => {},
  });
  for (const params of [{ Mailer: "forged" }, {}]) {
    await assertRejects(() => bench.executor.execute("loose", params), MissingProviderError);
  }
});
