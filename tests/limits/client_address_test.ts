import { test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import type { RequestServer } from "../../lib/http/mod.ts";
import { ClientAddress } from "../../lib/limits/client_address.ts";
import { UnknownAddressError } from "../../lib/limits/errors.ts";
import type { LimitsOptions } from "../../lib/limits/options.ts";

function from(address: string | null): RequestServer {
  return {
    requestIP: () => (address === null ? null : { address }),
    timeout: () => {},
    stop: async () => {},
  };
}

function addressOf(
  trusted: LimitsOptions["trustedProxy"],
  peer: string | null | undefined,
  headers: Record<string, string> = {},
): string {
  const request = new Request("http://localhost/", { headers });
  return new ClientAddress(trusted).of(request, peer === undefined ? undefined : from(peer));
}

const forwardedFor = (value: string) => ({ "x-forwarded-for": value });

test("without a trusted proxy the connection alone says where a request is from", () => {
  const forged = {
    ...forwardedFor("192.0.2.9"),
    forwarded: "for=192.0.2.9",
    "x-real-ip": "192.0.2.9",
  };
  assertEquals(addressOf(undefined, "203.0.113.7", forged), "203.0.113.7");
  assertEquals(addressOf(undefined, "::ffff:203.0.113.7", forged), "203.0.113.7");
  assertEquals(addressOf(undefined, "2001:db8:1:2:3::4", forged), "2001:db8:1:2::/64");
});

test("so many proxies are counted from the right, however much stands on the left", () => {
  const forged = forwardedFor("192.0.2.66, 203.0.113.7");
  assertEquals(addressOf(1, "10.0.0.1", forged), "203.0.113.7");
  assertEquals(addressOf(1, "10.0.0.1", forwardedFor("203.0.113.7:4711")), "203.0.113.7");
  assertEquals(
    addressOf(2, "10.0.0.1", forwardedFor("192.0.2.66, 203.0.113.7, 10.0.0.2")),
    "203.0.113.7",
  );
  const endless = forwardedFor(`${"192.0.2.66,".repeat(1_000)}203.0.113.7`);
  assertEquals(addressOf(1, "10.0.0.1", endless), "203.0.113.7");
});

test("what a proxy has not written is not believed: who is known nearest counts", () => {
  for (const value of ["unknown", "_hidden", "", "203.0.113.7, unknown", "x".repeat(1_000)]) {
    assertEquals(addressOf(1, "10.0.0.1", forwardedFor(value)), "10.0.0.1", value.slice(0, 50));
  }
  assertEquals(addressOf(2, "10.0.0.1", forwardedFor("rubbish, 10.0.0.2")), "10.0.0.2");
  assertEquals(addressOf(1, "10.0.0.1"), "10.0.0.1");
});

test("proxies by network are followed as long as they are trusted", () => {
  const networks = ["10.0.0.0/8", "2001:db8:ffff::/48"];
  const list = forwardedFor("192.0.2.66, 203.0.113.7, 10.0.0.3, 2001:db8:ffff::2");
  assertEquals(addressOf(networks, "10.0.0.1", list), "203.0.113.7");
  assertEquals(addressOf(networks, "::ffff:10.0.0.1", list), "203.0.113.7");
  // Nobody's word counts who is none of them.
  assertEquals(addressOf(networks, "198.51.100.4", list), "198.51.100.4");
  // All are proxies: the request began at one.
  assertEquals(addressOf(networks, "10.0.0.1", forwardedFor("10.0.0.9, 10.0.0.3")), "10.0.0.9");
  assertEquals(
    addressOf(networks, "10.0.0.1", forwardedFor("1.2.3.4, rubbish, 10.0.0.3")),
    "10.0.0.3",
  );
});

test("Forwarded is read where it is asked for, and then nothing else", () => {
  const trusted = { proxies: 1, header: "Forwarded" } as const;
  for (const [value, expected] of [
    ["for=203.0.113.7", "203.0.113.7"],
    ['For="203.0.113.7:80";proto=https;by=10.0.0.1', "203.0.113.7"],
    ["proto=http; for=192.0.2.66, proto=https; for=203.0.113.7", "203.0.113.7"],
    ['for="[2001:db8:1:2::3]:4711"', "2001:db8:1:2::/64"],
    // An open quote swallows nothing that the proxy adds.
    ['for="192.0.2.66, for=203.0.113.7', "203.0.113.7"],
    ["for=unknown", "10.0.0.1"],
    ["proto=https", "10.0.0.1"],
  ] as const) {
    assertEquals(addressOf(trusted, "10.0.0.1", { forwarded: value }), expected, value);
  }
  assertEquals(addressOf(trusted, "10.0.0.1", forwardedFor("192.0.2.66")), "10.0.0.1");
  assertEquals(addressOf(1, "10.0.0.1", { forwarded: "for=192.0.2.66" }), "10.0.0.1");
});

test("where no address is to be had, the error says what to do", () => {
  for (const peer of [undefined, null]) {
    for (const trusted of [undefined, ["10.0.0.0/8"], 1]) {
      assertThrows(() => addressOf(trusted, peer), UnknownAddressError, "trustedProxy");
    }
    assertThrows(
      () => addressOf(["10.0.0.0/8"], peer, forwardedFor("203.0.113.7")),
      UnknownAddressError,
    );
    assertEquals(addressOf(1, peer, forwardedFor("203.0.113.7")), "203.0.113.7");
  }
});
