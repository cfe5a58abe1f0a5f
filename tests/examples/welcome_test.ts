import { setDefaultTimeout, test } from "bun:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Example, ROOT } from "./example.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

/** Runs a command as if it had been pasted into a shell; resolves to what it printed. */
async function paste(command: string): Promise<string> {
  const child = Bun.spawn(["sh", "-c", command], { cwd: ROOT, stderr: "ignore" });
  return await new Response(child.stdout).text();
}

test("the example prints its URL and three commands", async () => {
  await using example = await Example.start();
  assertMatch(example.output, /^Listening at http:\/\/127\.0\.0\.1:[1-9]\d*\n/);
  const tasks = `${example.url}/api/v1/tasks`;
  const json = "-H 'content-type: application/json'";
  assertEquals(example.commands, [
    `curl '${tasks}'`,
    `curl -X POST '${tasks}/greet_user/$execute' ${json} -d '{"params": {"name": "Alice"}}'`,
    `curl -X POST '${tasks}/count_files/$execute' ${json} -d '{"params": {"directory": "."}}'`,
  ]);
});

for (const host of ["127.0.0.1", "::1"]) {
  test.skipIf(Bun.which("curl") === null || !canListenAt(host))(
    `the example's commands can be pasted when it listens at ${host}`,
    async () => {
      await using example = await Example.start({ env: { HOST: host } });
      const [list = "", greet = "", count = ""] = example.commands;
      assertMatch(
        await paste(list),
        /^\[\{"name":"count_files",.*"name":"with_dependencies",.*\]$/,
      );
      assertEquals(
        await paste(greet),
        '{"task_name":"greet_user","params":{"name":"Alice"},"result":{"message":"Hello, Alice!"},"error":null}',
      );
      const { result, error } = JSON.parse(await paste(count));
      assertEquals(error, null);
      assert(result.count > 0);
      assertEquals(result, { directory: ".", count: result.count, previous_count: null });
      assertMatch(await paste(count), new RegExp(`"previous_count":${result.count}\\}`));
    },
  );
}

/** Whether this machine has an address, such as one of IPv6. */
function canListenAt(hostname: string): boolean {
  try {
    void Bun.serve({ hostname, port: 0, fetch: () => new Response() }).stop();
    return true;
  } catch {
    // It has none: that is the answer.
    return false;
  }
}
