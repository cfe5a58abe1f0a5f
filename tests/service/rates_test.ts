import { afterEach, setSystemTime, spyOn, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { TestService } from "../../lib/testing/mod.ts";
import { builder, EXECUTE, forwarded, Served } from "./served.ts";

afterEach(() => {
  setSystemTime();
});

test("by address, requests beyond the rate are 429 and say when to come again; health goes on", async () => {
  await using served = new Served(builder({ rate: { requests: 2, seconds: 60 } }));
  const seen: (string | number | null)[][] = [];
  for (let count = 0; count < 3; count++) {
    const { status, headers } = await served.fetch("/api/v1/info");
    seen.push([status, headers.get("ratelimit"), headers.get("retry-after")]);
    assertEquals(headers.get("ratelimit-policy"), '"address";q=2;w=60');
  }
  assertEquals(seen, [
    [200, '"address";r=1;t=60', null],
    [200, '"address";r=0;t=60', null],
    [429, '"address";r=0;t=60', "60"],
  ]);
  for (const path of ["/nowhere", "/health/$stream", EXECUTE]) {
    assertEquals(await served.status(path), "429 too-many-requests", path);
  }
  for (const path of ["/health", "/health/live", "/health/ready"]) {
    const response = await served.fetch(path);
    assertEquals([response.status, response.headers.get("ratelimit")], [200, null], path);
  }
  setSystemTime(Date.now() + 61_000);
  assertEquals(await served.status("/api/v1/info"), "200");
});

test("no header that a client writes gets it past the rate", async () => {
  const rate = { requests: 5, seconds: 60 };
  await using bare = new Served(builder({ rate }));
  await using proxied = new Served(builder({ rate, trustedProxy: 1 }));
  let passed = 0;
  for (let count = 0; count < 100; count++) {
    const forged = `198.51.100.${count}`;
    const headers = {
      "x-forwarded-for": forged,
      forwarded: `for=${forged}`,
      "x-real-ip": forged,
      "x-api-key": forged,
    };
    if ((await bare.status("/api/v1/info", { headers })) === "200") passed += 1;
    // The proxy adds where the client really is.
    headers["x-forwarded-for"] = `${forged}, 203.0.113.7`;
    if ((await proxied.status("/api/v1/info", { headers })) === "200") passed += 1;
  }
  assertEquals(passed, 10);
});

test("a thousand addresses behind a proxy are counted each for itself", async () => {
  const limits = { rate: { requests: 1, seconds: 60 }, trustedProxy: ["127.0.0.0/8"] };
  await using served = new Served(builder(limits));
  const address = (index: number) => forwarded(`10.1.${index >> 8}.${index & 255}`);
  for (let index = 0; index < 1_000; index++) {
    assertEquals(await served.status("/api/v1/info", address(index)), "200");
  }
  for (let index = 0; index < 1_000; index += 37) {
    assertEquals(await served.status("/api/v1/info", address(index)), "429 too-many-requests");
  }
  // A thousand addresses of one network are one.
  let passed = 0;
  for (let index = 0; index < 1_000; index++) {
    const sent = forwarded(`2001:db8:1:2::${index.toString(16)}`);
    if ((await served.status("/api/v1/info", sent)) === "200") passed += 1;
  }
  assertEquals(passed, 1);
});

test("by principal, each key has its own rate, and who has none that of the address", async () => {
  const limits = { rate: { requests: 2, seconds: 60 }, trustedProxy: 1 };
  const guarded = builder(limits)
    .include({ prefix: "/open", fetch: () => new Response("open") })
    .withAuth({ keys: ["one", "two"], publicPaths: ["/open"] });
  await using served = new Served(guarded);
  const as = (key: string, path = "/api/v1/info", from = "10.0.0.1") =>
    served.status(path, { headers: { "x-api-key": key, "x-forwarded-for": from } });
  const anonymous = (path: string, from: string) => served.status(path, forwarded(from));
  assertEquals([await as("one"), await as("one"), await as("two")], ["200", "200", "200"]);
  // From elsewhere too.
  const refused = "429 too-many-requests";
  assertEquals(
    [await as("one", "/nowhere", "10.0.0.2"), await as("one", "/open")],
    [refused, refused],
  );
  assertEquals(await as("two"), "200");
  for (const path of ["/api/v1/info", "/open"]) {
    const from = path === "/open" ? "10.0.0.8" : "10.0.0.9";
    const expected = path === "/open" ? "200" : "401 unauthenticated";
    assertEquals(await anonymous(path, from), expected);
    assertEquals(await anonymous(path, from), expected);
    assertEquals(await anonymous(path, from), refused, path);
  }
  assertEquals(await as("one", "/health"), "200");
});

test("keys can't be guessed at speed: after some that are none the address is refused", async () => {
  const limits = { rate: { requests: 1_000, seconds: 60, failures: 3 }, trustedProxy: 1 };
  for (const by of ["principal", "address"] as const) {
    const rate = { ...limits.rate, by };
    const guarded = builder({ ...limits, rate }).withAuth({ keys: ["right"] });
    await using served = new Served(guarded);
    const guess = (key: string, path = "/api/v1/info", from = "10.0.0.1") =>
      served.fetch(path, { headers: { "x-api-key": key, "x-forwarded-for": from } });
    // Without a key nobody guesses.
    for (let count = 0; count < 5; count++) {
      assertEquals(
        await served.status("/api/v1/info", forwarded("10.0.0.1")),
        "401 unauthenticated",
      );
    }
    assertEquals((await guess("wrong-1")).status, 401);
    // Nor by what health would tell to who has a key.
    for (const key of ["wrong-2", "wrong-3"]) {
      assertEquals(await (await guess(key, "/health")).text(), '{"status":"healthy"}');
    }
    for (const key of ["wrong-4", "right"]) {
      const response = await guess(key);
      assertEquals([response.status, response.headers.get("retry-after")], [429, "60"]);
      assertEquals(await (await guess(key, "/health")).text(), '{"status":"healthy"}');
    }
    assertEquals((await guess("right", "/api/v1/info", "10.0.0.2")).status, 200);
    setSystemTime(Date.now() + 61_000);
    assertEquals((await guess("right")).status, 200);
    assert((await (await guess("right", "/health")).text()).includes("checks"));
    setSystemTime();
  }
});

test("a TestService says that requests are from this machine", async () => {
  await using service = await TestService.start(builder({ rate: { requests: 2, seconds: 60 } }));
  const statuses = [
    (await service.fetch("/api/v1/info")).status,
    (await service.fetch(EXECUTE, { json: {} })).status,
    (await service.fetch("/api/v1/info")).status,
  ];
  assertEquals(statuses, [200, 200, 429]);
});

test("where nobody says where requests come from, each is refused and the log says what to do", async () => {
  const rate = { requests: 1, seconds: 60 };
  for (const built of [builder({ rate }), builder({ rate }).withAuth({ keys: ["one"] })]) {
    await using service = built.build();
    // Other services log by the same one.
    using log = spyOn(service.executor.logger, "error").mockImplementation(() => {});
    const send = (path: string, headers = {}) =>
      service.fetch(new Request(`http://localhost${path}`, { headers }));
    assertEquals((await send("/api/v1/info", { "x-api-key": "one" })).status, 500);
    const error = log.mock.calls[0]?.[1]?.["error"];
    assert(error instanceof Error && error.name === "UnknownAddressError");
    assert(
      error.message.includes("trustedProxy") && error.message.includes("server"),
      error.message,
    );
    assertEquals((await send("/health")).status, 200);
    assertEquals((await send("/health", { "x-api-key": "one" })).status, 200);
  }
});
