import { test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Database, type Health, type HealthCheck, ServiceBuilder } from "../../lib/mod.ts";

async function health(
  checks: Record<string, HealthCheck>,
  database = Database.sqlite(":memory:"),
): Promise<{ status: number; text: string }> {
  await using service = new ServiceBuilder({ displayName: "Health" })
    .withDatabase(database)
    .withHealth({ checks })
    .build();
  await service.start({ signals: false });
  const response = await service.fetch(new Request("http://localhost/health"));
  return { status: response.status, text: await response.text() };
}

test("GET /health looks at the database by itself", async () => {
  assertEquals(await health({}), {
    status: 200,
    text: '{"status":"healthy","checks":{"database":{"state":"healthy","message":null}}}',
  });
});

test("GET /health answers with the worst state, and every check's message", async () => {
  const { status, text } = await health({
    disk: async () => ({ state: "degraded", message: "90 % full" }),
    queue: () => ({ state: "healthy" }),
  });
  assertEquals(status, 200);
  assertEquals(JSON.parse(text), {
    status: "degraded",
    checks: {
      database: { state: "healthy", message: null },
      disk: { state: "degraded", message: "90 % full" },
      queue: { state: "healthy", message: null },
    },
  });
});

test("GET /health is 503 where a check is unhealthy or throws", async () => {
  const { status, text } = await health({
    mail: () => {
      throw new Error("no route to host");
    },
  });
  assertEquals(status, 503);
  assertEquals(JSON.parse(text).checks.mail, { state: "unhealthy", message: "no route to host" });
});

test("GET /health is 503 where the database fails", async () => {
  const database = Database.sqlite(":memory:");
  await using service = new ServiceBuilder({ displayName: "Health" })
    .withDatabase(database)
    .withHealth()
    .build();
  await service.start({ signals: false });
  await database.close();
  const response = await service.fetch(new Request("http://localhost/health"));
  assertEquals(response.status, 503);
  assertStringIncludes(await response.text(), '"database":{"state":"unhealthy"');
});

test("GET /health takes an odd answer of a check for unhealthy", async () => {
  const odd = { state: "splendid" } as unknown as Health;
  const { status, text } = await health({
    odd: () => odd,
    thrown: () => {
      throw Object.create(null);
    },
  });
  assertEquals(status, 503);
  const { checks } = JSON.parse(text);
  assertEquals(checks.odd, { state: "unhealthy", message: 'there is no state "splendid"' });
  assertEquals(checks.thrown, { state: "unhealthy", message: "the check failed" });
});
