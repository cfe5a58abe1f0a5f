import { expectTypeOf, test } from "bun:test";
import * as v from "valibot";
import type { Clock, JobRecord, Scheduler } from "../../lib/jobs/mod.ts";
import type { ServiceBuilder } from "../../lib/service/mod.ts";
import type { Database, Session } from "../../lib/storage/mod.ts";
import { defineTask, type TaskExecutor, token } from "../../lib/tasks/mod.ts";
import { FakeClock, TestScheduler, TestService } from "../../lib/testing/mod.ts";

interface Mailer {
  send(to: string): void;
}
const Mailer = token<Mailer>("Mailer");
const greet = defineTask("greet", {
  params: v.object({ name: v.string(), times: v.optional(v.number(), 1) }),
  run: ({ name }) => ({ greeting: name }),
});
const plain = defineTask("plain", { run: () => ({}) });
declare const jobs: TestScheduler;
declare const service: TestService;

/** Takes code of which the types are looked at: nothing is called. */
function typed<A extends unknown[], T>(_code: (...args: A) => T): void {}

test("run() types the params by the Task, as submit() does", () => {
  const _typed = () => [
    jobs.run(greet, { name: "Alice" }),
    jobs.run(greet, { name: "Alice", times: 2 }, { retries: 1, delay: 5 }),
    // @ts-expect-error: a name is text
    jobs.run(greet, { name: 5 }),
    // @ts-expect-error: the name is missing
    jobs.run(greet, {}),
    // @ts-expect-error: the params are missing
    jobs.run(greet),
    // @ts-expect-error: nobody asked for it
    jobs.run(greet, { name: "Alice", nom: "Alice" }),
  ];
  expectTypeOf(_typed).returns.items.toEqualTypeOf<Promise<JobRecord>>();
});

test("run() lets params be left out where an empty object will do", () => {
  typed(() => [
    jobs.run(plain),
    jobs.run(plain, null, { delay: 1 }),
    jobs.run("greet"),
    jobs.run("greet", { anything: true }, { tags: ["a"] }),
    // @ts-expect-error: no task, and no name
    jobs.run(5),
  ]);
});

test("run() knows its options, among them no transaction, which it would wait for", () => {
  typed((session: Session) => [
    jobs.run(plain, {}, { runAt: new Date(), concurrencyKey: "key" }),
    // @ts-expect-error: misspelt
    jobs.run(plain, {}, { retry: 5 }),
    // @ts-expect-error: the job is run once that commits
    jobs.run(plain, {}, { session }),
    // @ts-expect-error: the job is run once that commits
    jobs.run("plain", {}, { session }),
  ]);
});

test("provide() types what is made by its token", () => {
  const _typed = () => jobs.provide(Mailer, { create: () => ({ send: () => {} }) });
  expectTypeOf(_typed).returns.toEqualTypeOf<TestScheduler>();
  typed(() => [
    // @ts-expect-error: no Mailer
    jobs.provide(Mailer, { create: () => ({ post: () => {} }) }),
  ]);
});

test("a TestScheduler takes a scheduler's options, with a clock that is faked", () => {
  typed((clock: Clock, fake: FakeClock, database: Database) => [
    new TestScheduler(),
    new TestScheduler({ database, now: new Date(), maxConcurrency: 5, crashLimit: 1, lease: 5 }),
    new TestScheduler({ clock: fake }),
    // @ts-expect-error: real time can't leap
    new TestScheduler({ clock }),
    // @ts-expect-error: misspelt
    new TestScheduler({ maxconcurrency: 5 }),
  ]);
  expectTypeOf(new FakeClock()).toExtend<Clock>();
  expectTypeOf<TestScheduler["scheduler"]>().toEqualTypeOf<Scheduler>();
  expectTypeOf<TestScheduler["executor"]>().toEqualTypeOf<TaskExecutor>();
});

test("a TestService is started from a builder, and answers requests", () => {
  typed((builder: ServiceBuilder, database: Database) => [
    TestService.start(builder),
    TestService.start(builder, { database, now: new Date() }),
    service.fetch("/", { json: { a: 1 }, headers: { a: "b" } }),
    service.wait("id", { signal: AbortSignal.timeout(1) }),
    // @ts-expect-error: it has the time of its jobs
    TestService.start(builder, { clock: new FakeClock() }),
    // @ts-expect-error: services come from start()
    new TestService(),
  ]);
  expectTypeOf<TestService["fetch"]>().returns.toEqualTypeOf<Promise<Response>>();
  expectTypeOf<TestService["wait"]>().returns.toEqualTypeOf<Promise<JobRecord>>();
});
