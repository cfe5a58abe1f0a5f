import { test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { mistakesOf } from "../../lib/limits/mistakes.ts";
import type { LimitsOptions } from "../../lib/limits/options.ts";

/** Options as a program without types might give them. */
function mistakes(limits: object, isGuarded = false): string[] {
  return mistakesOf(limits as LimitsOptions, { isGuarded });
}

test("mistakesOf() finds none in what can be used", () => {
  for (const limits of [
    {},
    { maxBody: 1, bodyTimeout: 0.5, timeout: 0.1, concurrency: 1, securityHeaders: false },
    { timeout: null, concurrency: Number.POSITIVE_INFINITY },
    { rate: { requests: 1, seconds: 1 } },
    { rate: { requests: 100, seconds: 60, by: "address", failures: 1 } },
    { cors: { origins: "*" } },
    {
      cors: {
        origins: ["https://a.example", "http://localhost:5173"],
        methods: ["GET"],
        headers: [],
        credentials: true,
        maxAge: 0,
      },
    },
    { allowedOrigins: ["https://a.example"], allowedHosts: ["a.example", "*.b.example", "[::2]"] },
    { trustedProxy: 1 },
    { trustedProxy: ["10.0.0.0/8", "::1"] },
    { trustedProxy: { proxies: ["192.0.2.1"], header: "Forwarded" } },
  ]) {
    assertEquals(mistakes(limits), [], JSON.stringify(limits));
  }
  assertEquals(mistakes({ rate: { requests: 1, seconds: 1, by: "principal" } }, true), []);
});

test("mistakesOf() names each option that can't be used, with its value", () => {
  const cases: [limits: object, says: string][] = [
    [{ maxBody: 0 }, "Cannot use 0 as maxBody"],
    [{ maxBody: "10mb" }, 'Cannot use "10mb" as maxBody'],
    [{ maxBody: 1.5 }, "1.5 as maxBody"],
    [{ bodyTimeout: 0 }, "0 as bodyTimeout"],
    [{ timeout: -1 }, "-1 as timeout"],
    [{ timeout: Number.NaN }, "NaN as timeout"],
    [{ timeout: 1e9 }, "1000000000 as timeout"],
    [{ concurrency: 0 }, "0 as concurrency"],
    [{ concurrency: 2.5 }, "2.5 as concurrency"],
    [{ rate: { requests: 0, seconds: 1 } }, "0 as rate.requests"],
    [{ rate: { requests: 1, seconds: 0.5 } }, "0.5 as rate.seconds"],
    [{ rate: { requests: 1, seconds: 1, by: "ip" } }, '"ip" as rate.by'],
    [{ rate: { requests: 1, seconds: 1, failures: 0 } }, "0 as rate.failures"],
    [{ rate: { requests: 1, seconds: 1, by: "principal" } }, "add withAuth()"],
    [{ rate: { requests: 1, seconds: 1, per: "minute" } }, 'no option "per" of rate'],
    [{ cors: {} }, "undefined as cors.origins"],
    [{ cors: { origins: [] } }, "[] as cors.origins"],
    [{ cors: { origins: "https://a.example" } }, '"https://a.example" as cors.origins'],
    [{ cors: { origins: ["https://a.example/"] } }, '"https://a.example/" as an origin'],
    [{ cors: { origins: ["*"] } }, '"*" as an origin'],
    [{ cors: { origins: "*", credentials: true } }, "all origins send credentials"],
    [{ cors: { origins: "*", methods: ["GET, POST"] } }, '"GET, POST" as cors.methods'],
    [{ cors: { origins: "*", headers: ["X Y"] } }, '"X Y" as cors.headers'],
    [{ cors: { origins: "*", maxAge: -1 } }, "-1 as cors.maxAge"],
    [{ cors: { origins: ["https://a.example"], credentials: "yes" } }, '"yes" as cors.credentials'],
    [{ allowedOrigins: ["a.example"] }, '"a.example" as an origin'],
    [{ allowedHosts: ["https://a.example"] }, '"https://a.example" as allowedHosts'],
    [{ allowedHosts: ["a.example:80"] }, "without a port"],
    [{ allowedHosts: ["*"] }, '"*" as allowedHosts'],
    [{ trustedProxy: 0 }, "0 as trustedProxy"],
    [{ trustedProxy: true }, "true as trustedProxy"],
    [{ trustedProxy: [] }, "[] as trustedProxy"],
    [{ trustedProxy: ["10.0.0.0/33"] }, '"10.0.0.0/33" is neither'],
    [{ trustedProxy: { proxies: 1, header: "X-Real-IP" } }, '"X-Real-IP" as trustedProxy.header'],
    [{ securityHeaders: 1 }, "1 as securityHeaders"],
    [{ maxbody: 1 }, 'no option "maxbody" of withLimits()'],
  ];
  for (const [limits, says] of cases) {
    const found = mistakes(limits);
    assertEquals(found.length, 1, JSON.stringify({ limits, found }));
    assertStringIncludes(found[0] ?? "", says);
  }
});
