import { test } from "bun:test";
import { type LimitsOptions, ServiceBuilder } from "../../lib/mod.ts";

test("the options of withLimits() are checked by the compiler", () => {
  const builder = new ServiceBuilder({ displayName: "Types" });
  builder.withLimits();
  builder.withLimits({ trustedProxy: { proxies: ["10.0.0.0/8"], header: "Forwarded" } });
  builder.withLimits({ cors: { origins: "*" }, rate: { requests: 1, seconds: 1, by: "address" } });
  const limits: LimitsOptions = { timeout: null };
  builder.withLimits(limits);
  // @ts-expect-error a rate takes both
  builder.withLimits({ rate: { requests: 1 } });
  // @ts-expect-error by is one of two
  builder.withLimits({ rate: { requests: 1, seconds: 1, by: "key" } });
  // @ts-expect-error one origin stands in a list
  builder.withLimits({ cors: { origins: "https://app.example.org" } });
  // @ts-expect-error there is no such header
  builder.withLimits({ trustedProxy: { proxies: 1, header: "X-Real-IP" } });
  // @ts-expect-error there is no such option
  builder.withLimits({ maxbody: 1 });
});
