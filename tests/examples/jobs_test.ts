import { afterAll, beforeAll, setDefaultTimeout, test } from "bun:test";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { progressBar } from "../../examples/progress_bar.ts";
import { Lines } from "../lines.ts";
import { Example, ROOT } from "./example.ts";
import { TemporaryDirectory } from "./temporary_directory.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const script = "examples/jobs.ts";
let example: Example;

beforeAll(async () => {
  example = await Example.start({ script });
});
afterAll(async () => {
  await example[Symbol.asyncDispose]();
});

/** The client with the progress bar, as a process. */
function startFollowing(...args: string[]) {
  return Bun.spawn([process.execPath, "run", "examples/follow.ts", ...args], {
    cwd: ROOT,
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** Follows a job to its end; resolves to what the client prints, and its exit code. */
async function follow(...args: string[]): Promise<{ lines: string[]; exitCode: number }> {
  const client = startFollowing(...args);
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(client.stdout).text(),
    new Response(client.stderr).text(),
    client.exited,
  ]);
  return { lines: `${stdout}${stderr}`.trim().split("\n"), exitCode };
}

async function list(path: string): Promise<Record<string, unknown>[]> {
  return JSON.parse(await example.get(path));
}

test("spawn_background_job answers at once, with where its job is", async () => {
  const { result, error } = JSON.parse(
    await example.execute("spawn_background_job", { processing_time: 0 }),
  );
  const { job_id, ...rest } = result;
  assertEquals(
    [rest, error],
    [{ message: "Background job started", check_status: `/api/v1/jobs/${job_id}` }, null],
  );
  const { lines } = await follow(`${example.url}/api/v1/jobs/${job_id}`);
  assertStringIncludes(lines.at(-1) ?? "", '{"status":"completed","processing_time":0}');
  const { description } = JSON.parse(await example.get(`/api/v1/jobs/${job_id}`));
  assertEquals(description, "Background processing (0s)");
});

test("print_report is retried until it succeeds", async () => {
  const { lines, exitCode } = await follow(`${example.url}/api/v1/tasks/print_report`);
  assertEquals(
    [lines.at(-1), exitCode],
    ['completed at attempt 3: {"printed":true,"attempt":3}', 0],
  );
});

test("transfer moves money, and what can't be moved fails at once", async () => {
  const transfer = (params: object) =>
    follow(`${example.url}/api/v1/tasks/transfer`, JSON.stringify(params));
  const moved = await transfer({ from: "ada", to: "grace", cents: 500 });
  assertEquals(moved.lines.at(-1), 'completed at attempt 1: {"ada":99500,"grace":500}');
  const short = await transfer({ from: "grace", to: "ada", cents: 501 });
  assertEquals(
    [short.lines.at(-1), short.exitCode],
    ['failed at attempt 1: NonRetryableError: "grace" has 500 cents, not 501', 1],
  );
  const nobody = await transfer({ from: "ada", to: "bob", cents: 1 });
  assertStringIncludes(nobody.lines.at(-1) ?? "", 'There is no account "bob"');
  const wrong = await transfer({ from: "ada", to: "grace", cents: 0.5 });
  assertStringIncludes(wrong.lines.join(), "urn:taskmount:error:invalid-params");
});

test("audit is a schedule of each minute, and finds that the sum is what it was", async () => {
  const [schedule] = await list("/api/v1/schedules");
  assertEquals([schedule?.["name"], schedule?.["expression"]], ["audit", "* * * * *"]);
  const response = await fetch(`${example.url}/api/v1/schedules/audit/$run`, { method: "POST" });
  const { lines } = await follow(`${example.url}${response.headers.get("location")}`);
  assertEquals(lines.at(-1), 'completed at attempt 1: {"accounts":2,"cents":100000}');
});

test("the client follows a job through a kill of the service, to its end", async () => {
  using directory = new TemporaryDirectory();
  const env = { DATABASE_URL: directory.of("jobs.db") };
  const first = await Example.start({ script, env });
  const params = '{"number": 20, "seconds": 0.05}';
  const client = startFollowing(`${first.url}/api/v1/tasks/count_to`, params);
  const lines = new Lines(client.stdout);
  while (!(await lines.next()).includes("5 of 20"));
  await first.stop("SIGKILL");
  await using _second = await Example.start({
    script,
    env: { ...env, PORT: new URL(first.url).port },
  });
  let line = await lines.next();
  while (line.startsWith("[")) line = await lines.next();
  assertEquals(line, 'completed at attempt 2: {"counted":20}');
  assertEquals(await client.exited, 0);
});

test("progressBar() draws how far a job is", () => {
  const bar = (status: string, progress: number | null, progress_message: string | null) =>
    progressBar({ status, progress, progress_message });
  assertEquals(bar("pending", null, null), `[${" ".repeat(30)}]   0 %  pending`);
  assertEquals(
    bar("running", 1 / 3, "5 of 15"),
    `[${"=".repeat(10)}${" ".repeat(20)}]  33 %  running  5 of 15`,
  );
  assertEquals(bar("completed", 0.5, null), `[${"=".repeat(30)}] 100 %  completed`);
  assertMatch(bar("running", 0.996, null), /100 %/);
});
