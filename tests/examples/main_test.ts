import { afterAll, beforeAll, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { relative } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Example, ROOT } from "./example.ts";
import { TemporaryDirectory } from "./temporary_directory.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const directory = new TemporaryDirectory();
const database = directory.of("example.db");
let example: Example;

beforeAll(async () => {
  example = await Example.start({ env: { DATABASE_URL: database } });
});
afterAll(async () => {
  await example[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

/** The answer's text where a task succeeds. */
function succeeded(task: string, params: object, result: object): string {
  return JSON.stringify({ task_name: task, params, result, error: null });
}

/** The error where a task fails, without its traceback. */
async function failureOf(task: string, params: object): Promise<{ type: string; message: string }> {
  const { result, error } = JSON.parse(await example.execute(task, params));
  assertEquals(result, null);
  return { type: error.type, message: error.message };
}

test("the example lists its tasks, without run_command", async () => {
  const tasks = JSON.parse(await example.get("/api/v1/tasks"));
  assertEquals(
    tasks.map(({ name }: { name: string }) => name),
    [
      "count_files",
      "failing_task",
      "greet_user",
      "list_files",
      "multiply_numbers",
      "process_csv",
      "process_data",
      "with_dependencies",
    ],
  );
  for (const { docstring, tags } of tasks) {
    assert(docstring !== null && tags.length > 0);
  }
  assertMatch(await example.execute("run_command", { command: "true" }), /"status":404/);
});

test("the example finds greet_user by its tags, and tells what it takes", async () => {
  const found = JSON.parse(await example.get("/api/v1/tasks?tag=demo&tag=simple"));
  const [{ name, signature, parameters, tags }, ...others] = found;
  assertEquals([name, tags, others], ["greet_user", ["demo", "simple"], []]);
  assertEquals(signature, '(name: string = "World")');
  assertEquals(parameters, [
    { name: "name", annotation: "string", default: '"World"', required: false },
  ]);
});

test("greet_user greets the world, or who is named", async () => {
  assertEquals(
    await example.execute("greet_user"),
    '{"task_name":"greet_user","params":{},"result":{"message":"Hello, World!"},"error":null}',
  );
  assertEquals(
    await example.execute("greet_user", { name: "Zoë" }),
    '{"task_name":"greet_user","params":{"name":"Zoë"},"result":{"message":"Hello, Zoë!"},"error":null}',
  );
});

test("multiply_numbers answers the result before what it was given", async () => {
  assertEquals(
    await example.execute("multiply_numbers", { b: 7, a: 6 }),
    '{"task_name":"multiply_numbers","params":{"b":7,"a":6},"result":{"result":42,"a":6,"b":7},"error":null}',
  );
  const { type } = await failureOf("multiply_numbers", { a: "6", b: 7 });
  assertEquals(type, "ValidationError");
});

test("process_data tells the URL of the database that is injected", async () => {
  assertEquals(
    await example.execute("process_data"),
    succeeded("process_data", {}, { status: "processed", database_url: `sqlite:${database}` }),
  );
});

test("with_dependencies answers what is injected and what is sent", async () => {
  const database_url = `sqlite:${database}`;
  assertEquals(
    await example.execute("with_dependencies"),
    succeeded("with_dependencies", {}, { database_url, custom_param: "default" }),
  );
  const params = { custom_param: "mine", database: "theirs" };
  assertEquals(
    await example.execute("with_dependencies", params),
    succeeded("with_dependencies", params, { database_url, custom_param: "mine" }),
  );
});

test("process_csv sums up the sample file as pandas does", async () => {
  // The figures are numpy's: mean, std(ddof=1), min, percentile(25, 50, 75), max.
  assertEquals(
    await example.execute("process_csv"),
    succeeded(
      "process_csv",
      {},
      {
        rows: 1461,
        columns: ["date", "precipitation", "temp_max", "temp_min", "wind", "weather"],
        summary: {
          precipitation: {
            count: 1461,
            mean: 3.02943189596167,
            std: 6.680194322314738,
            min: 0,
            "25%": 0,
            "50%": 0,
            "75%": 2.8,
            max: 55.9,
          },
          temp_max: {
            count: 1461,
            mean: 16.43908281998631,
            std: 7.349758097360177,
            min: -1.6,
            "25%": 10.6,
            "50%": 15.6,
            "75%": 22.2,
            max: 35.6,
          },
          temp_min: {
            count: 1461,
            mean: 8.234770704996578,
            std: 5.023004179961265,
            min: -7.1,
            "25%": 4.4,
            "50%": 8.3,
            "75%": 12.2,
            max: 18.3,
          },
          wind: {
            count: 1461,
            mean: 3.24113620807666,
            std: 1.4378250588746195,
            min: 0.4,
            "25%": 2.2,
            "50%": 3,
            "75%": 4,
            max: 9.5,
          },
        },
      },
    ),
  );
});

test("process_csv leaves out of its summary what isn't numeric, and says null for what is undefined", async () => {
  const filepath = directory.of("one row.csv");
  await Bun.write(filepath, 'name,n,"empty, too",n\n"A, B",5,,\n');
  const none = { mean: null, std: null, min: null, "25%": null, "50%": null, "75%": null };
  assertEquals(
    await example.execute("process_csv", { filepath }),
    succeeded(
      "process_csv",
      { filepath },
      {
        rows: 1,
        columns: ["name", "n", "empty, too", "n.1"],
        summary: {
          n: { count: 1, mean: 5, std: null, min: 5, "25%": 5, "50%": 5, "75%": 5, max: 5 },
          "empty, too": { count: 0, ...none, max: null },
          "n.1": { count: 0, ...none, max: null },
        },
      },
    ),
  );
});

test("process_csv says what is wrong with a file", async () => {
  const filepath = directory.of("missing.csv");
  assertEquals(await failureOf("process_csv", { filepath }), {
    type: "CsvFileError",
    message: `Cannot read "${filepath}": there is no such file`,
  });
});

test("list_files answers what ls -la prints in a directory", async () => {
  mkdirSync(directory.of("listed", "inner"), { recursive: true });
  await Bun.write(directory.of("listed", "inner", "it's a file"), "");
  const params = { directory: directory.of("listed", "inner") };
  const { stdout } = Bun.spawnSync(["ls", "-la"], { cwd: params.directory });
  assertMatch(stdout.toString(), /it's a file/);
  assertEquals(
    await example.execute("list_files", params),
    succeeded("list_files", params, { ...params, output: stdout.toString(), success: true }),
  );
});

test("list_files answers success: false for a directory that is missing", async () => {
  const params = { directory: directory.of("missing") };
  assertEquals(
    await example.execute("list_files", params),
    succeeded("list_files", params, { ...params, output: "", success: false }),
  );
});

test("count_files counts the files below a directory, and tells the count before", async () => {
  const params = { directory: directory.of("it's $HOME `here`; #") };
  const answer = (count: number, previous_count: number | null) =>
    succeeded("count_files", params, { ...params, count, previous_count });
  mkdirSync(`${params.directory}/below/.hidden`, { recursive: true });
  assertEquals(await example.execute("count_files", params), answer(0, null));
  for (const name of ["a", "two\nlines", "below/-b", "below/.hidden/.c"]) {
    await Bun.write(`${params.directory}/${name}`, "");
  }
  assertEquals(await example.execute("count_files", params), answer(4, 0));
  await Bun.file(`${params.directory}/a`).delete();
  assertEquals(await example.execute("count_files", params), answer(3, 4));
});

test("count_files knows a directory by whatever path it is called", async () => {
  const absolute = { directory: directory.of("called") };
  await Bun.write(directory.of("called", "a"), "");
  assertEquals(
    await example.execute("count_files", absolute),
    succeeded("count_files", absolute, { ...absolute, count: 1, previous_count: null }),
  );
  const indirect = { directory: `${relative(ROOT, directory.path)}/./called/` };
  assertEquals(
    await example.execute("count_files", indirect),
    succeeded("count_files", indirect, { ...indirect, count: 1, previous_count: 1 }),
  );
});

test("count_files reads and writes in one transaction, however many count at once", async () => {
  mkdirSync(directory.of("shared"));
  const params = { directory: directory.of("shared") };
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => example.execute("count_files", params)),
  );
  const previous = answers.map((answer) => JSON.parse(answer).result.previous_count);
  assertEquals(previous.filter((count) => count === null).length, 1);
  assertEquals(previous.filter((count) => count === 0).length, 11);
});

test("count_files says why it can't count", async () => {
  for (const name of ["missing", "example.db"]) {
    const path = directory.of(name);
    const { type, message } = await failureOf("count_files", { directory: path });
    assertEquals(type, "Error");
    assertMatch(message, new RegExp(`^Cannot count the files below "${path}": find: `));
  }
});

test("failing_task answers its error with a traceback", async () => {
  const { error, ...rest } = JSON.parse(await example.execute("failing_task"));
  assertEquals(rest, { task_name: "failing_task", params: {}, result: null });
  assertEquals(Object.keys(error), ["type", "message", "traceback"]);
  assertEquals([error.type, error.message], ["Error", "This task always fails"]);
  assertMatch(error.traceback, /^Error: This task always fails\n {4}at .*examples\/main\.ts/);
});

test("the example answers /health and /api/v1/info", async () => {
  assertEquals(
    await example.get("/health"),
    '{"status":"healthy","checks":{"database":{"state":"healthy","message":null}}}',
  );
  assertEquals(
    await example.get("/api/v1/info"),
    '{"id":"taskmount-example","display_name":"taskmount example","version":"1.0.0","description":null}',
  );
});
