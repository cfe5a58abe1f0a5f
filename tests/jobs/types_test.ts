import { expectTypeOf, test } from "bun:test";
import * as v from "valibot";
import {
  type Clock,
  Database,
  defineTask,
  type JobEvent,
  type JobRecord,
  type JobStatus,
  type JobSubmission,
  type JobSummary,
  optional,
  type Schedule,
  Scheduler,
  type SchedulerOptions,
  Session,
  type SubmitOptions,
  type Task,
  type TaskContext,
  token,
} from "../../lib/mod.ts";

interface Mailer {
  send(to: string): Promise<void>;
}
const Mailer = token<Mailer>("Mailer");
const greet = defineTask("greet", {
  params: v.object({ name: v.string(), times: v.optional(v.number(), 1) }),
  run: ({ name }) => ({ greeting: name }),
});
const plain = defineTask("plain", { run: () => ({}) });
const someParams = defineTask("some", {
  params: v.object({ name: v.optional(v.string(), "World") }),
  run: () => ({}),
});
declare const scheduler: Scheduler;

/** Takes code of which the types are looked at: nothing is called. */
function typed<A extends unknown[], T>(_code: (...args: A) => T): void {}

test("submit() types the params by the Task, as they are sent", () => {
  const _typed = () => [
    scheduler.submit(greet, { name: "Alice" }),
    scheduler.submit(greet, { name: "Alice", times: 2 }, { retries: 1, runAt: new Date() }),
    // @ts-expect-error: a name is text
    scheduler.submit(greet, { name: 5 }),
    // @ts-expect-error: the name is missing
    scheduler.submit(greet, {}),
    // @ts-expect-error: the params are missing
    scheduler.submit(greet),
    // @ts-expect-error: the params can't be null where one is required
    scheduler.submit(greet, null),
    // @ts-expect-error: nobody asked for it
    scheduler.submit(greet, { name: "Alice", nom: "Alice" }),
  ];
  expectTypeOf(_typed).returns.items.toEqualTypeOf<Promise<string>>();
});

test("submit() lets params be left out where an empty object will do", () => {
  typed(() => [
    scheduler.submit(plain),
    scheduler.submit(plain, null, { delay: 1 }),
    scheduler.submit(plain, {}),
    scheduler.submit(someParams),
    scheduler.submit(someParams, undefined, { priority: 1 }),
    scheduler.submit(someParams, { name: "Bob" }),
    // @ts-expect-error: a name is text
    scheduler.submit(someParams, { name: 5 }),
  ]);
});

test("options that may be undefined can be given as they are", () => {
  typed((timeZone: string | undefined, signal: AbortSignal | undefined) => [
    scheduler.cron("a", "* * * * *", plain, {}, { timeZone, missed: undefined }),
    scheduler.wait("id", { signal }),
    scheduler.events("id", { signal, after: undefined }),
  ]);
  typed((session: Session | undefined) => [
    scheduler.submitMany([], { session }),
    scheduler.cancel("id", { session }),
  ]);
});

test("submit() takes anything under a name", () => {
  typed(() => [
    scheduler.submit("greet"),
    scheduler.submit("greet", { anything: true }, { tags: ["a"] }),
    scheduler.submit("greet", undefined, { idempotencyKey: "key" }),
    // @ts-expect-error: no task, and no name
    scheduler.submit(5),
  ]);
});

test("submit() knows its options", () => {
  typed((session: Session) => [
    scheduler.submit(plain, {}, { session }),
    scheduler.submit(plain, {}, { backoff: { initial: 1, factor: 2, max: 3 } }),
    // @ts-expect-error: misspelt
    scheduler.submit(plain, {}, { retry: 5 }),
    // @ts-expect-error: of the task, not of one job
    scheduler.submit(plain, {}, { concurrency: 5 }),
    // @ts-expect-error: of the task, not of one job
    scheduler.submit(plain, {}, { maxPending: 5 }),
    // @ts-expect-error: a time is a Date
    scheduler.submit(plain, {}, { runAt: "2030-01-01" }),
  ]);
  expectTypeOf<SubmitOptions>().not.toHaveProperty("concurrency");
  expectTypeOf<SubmitOptions["delay"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<SubmitOptions["session"]>().toEqualTypeOf<Session | undefined>();
});

test("submitMany() takes JobSubmissions, whose session is the transaction's", () => {
  const _typed = (session: Session) => {
    const submissions: JobSubmission[] = [
      { task: greet, params: { name: "Alice" } },
      { task: "greet", params: { name: "Alice" }, retries: 3, tags: ["a"] },
      { task: plain },
      // @ts-expect-error: all of them share one
      { task: plain, session },
      // @ts-expect-error: no task
      { params: {} },
      // @ts-expect-error: misspelt
      { task: plain, retry: 3 },
    ];
    return scheduler.submitMany(submissions, { session });
  };
  expectTypeOf(_typed).returns.toEqualTypeOf<Promise<string[]>>();
  expectTypeOf<JobSubmission["task"]>().toEqualTypeOf<Task | string>();
});

test("spawn() infers the context and every injected argument", () => {
  const _typed = () => [
    scheduler.spawn((context) => {
      expectTypeOf(context).toEqualTypeOf<TaskContext>();
    }),
    scheduler.spawn(
      async (context, database, session, perhaps, mailer, injected) => {
        expectTypeOf(context).toEqualTypeOf<TaskContext>();
        expectTypeOf(database).toEqualTypeOf<Database>();
        expectTypeOf(session).toEqualTypeOf<Session>();
        expectTypeOf(perhaps).toEqualTypeOf<Mailer | undefined>();
        expectTypeOf(mailer).toEqualTypeOf<Mailer>();
        expectTypeOf(injected).toEqualTypeOf<Scheduler>();
        return { url: database.url };
      },
      {
        description: "looks",
        tags: ["a"],
        inject: [Database, Session, optional(Mailer), Mailer, Scheduler],
      },
    ),
    scheduler.spawn((_context, database: Database) => database.url, { inject: [Database] }),
    // @ts-expect-error: a Session is no Database
    scheduler.spawn((_context, database: Database) => database.url, { inject: [Session] }),
    // @ts-expect-error: nothing is injected
    scheduler.spawn((_context, database: Database) => database.url),
    // @ts-expect-error: a closure is run once
    scheduler.spawn(() => {}, { retries: 3 }),
    // @ts-expect-error: no function
    scheduler.spawn("greet"),
  ];
  expectTypeOf(_typed).returns.items.toEqualTypeOf<Promise<string>>();
});

test("spawn() takes any result", () => {
  typed(() => [
    scheduler.spawn(() => "text"),
    scheduler.spawn(() => 5),
    scheduler.spawn(async () => [1, 2]),
    scheduler.spawn(() => null),
    scheduler.spawn(() => {}),
  ]);
});

test("a task's Scheduler is typed, and undefined where it is optional", () => {
  defineTask("typed", {
    inject: [Scheduler, optional(Scheduler)],
    run: (_params, required, perhaps) => {
      expectTypeOf(required).toEqualTypeOf<Scheduler>();
      expectTypeOf(perhaps).toEqualTypeOf<Scheduler | undefined>();
    },
  });
});

test("cron() types the params by the Task", () => {
  const _typed = () => [
    scheduler.cron("a", "@daily", greet, { name: "Alice" }),
    scheduler.cron(
      "a",
      "@daily",
      greet,
      { name: "Alice" },
      { timeZone: "Europe/Oslo", retries: 1 },
    ),
    scheduler.cron("a", "@daily", plain),
    scheduler.cron("a", "@daily", plain, null, { missed: "once" }),
    scheduler.cron("a", "@daily", "greet", { anything: true }),
    // @ts-expect-error: the params are missing
    scheduler.cron("a", "@daily", greet),
    // @ts-expect-error: a name is text
    scheduler.cron("a", "@daily", greet, { name: 5 }),
    // @ts-expect-error: there is no such way
    scheduler.cron("a", "@daily", plain, null, { missed: "all" }),
    // @ts-expect-error: its times are the expression's
    scheduler.cron("a", "@daily", plain, null, { delay: 5 }),
  ];
  expectTypeOf(_typed).returns.items.toEqualTypeOf<Promise<Schedule>>();
});

test("records, lists and events are typed", () => {
  const _typed = async () => ({
    record: await scheduler.get("id"),
    list: await scheduler.list({ status: "pending", size: 5 }),
    ended: await scheduler.wait("id", { signal: AbortSignal.timeout(1) }),
    result: await scheduler.result("id"),
    events: scheduler.events("id", { after: 5 }),
    // @ts-expect-error: no status
    wrong: await scheduler.list({ status: "done" }),
  });
  type Typed = Awaited<ReturnType<typeof _typed>>;
  expectTypeOf<Typed["record"]>().toEqualTypeOf<JobRecord>();
  expectTypeOf<Typed["list"]>().toEqualTypeOf<JobSummary[]>();
  expectTypeOf<Typed["ended"]>().toEqualTypeOf<JobRecord>();
  expectTypeOf<Typed["result"]>().toEqualTypeOf<unknown>();
  expectTypeOf<Typed["events"]>().toEqualTypeOf<AsyncGenerator<JobEvent, void>>();
  expectTypeOf<JobRecord["params"]>().toEqualTypeOf<unknown>();
  expectTypeOf<JobSummary>().not.toHaveProperty("params");
  expectTypeOf<JobSummary>().not.toHaveProperty("result");
  expectTypeOf<JobSummary["submittedAt"]>().toEqualTypeOf<Date>();
  expectTypeOf<JobStatus>().toEqualTypeOf<
    "pending" | "running" | "completed" | "failed" | "canceled"
  >();
});

test("a scheduler needs a database, and takes a clock", () => {
  typed((database: Database, clock: Clock) => [
    new Scheduler({ database, clock, maxConcurrency: 5, lease: 10, crashLimit: 3 }),
    // @ts-expect-error: the database is missing
    new Scheduler({ maxConcurrency: 5 }),
    // @ts-expect-error: misspelt
    new Scheduler({ database, max_concurrency: 5 }),
  ]);
  expectTypeOf<SchedulerOptions["database"]>().toEqualTypeOf<Database>();
});
