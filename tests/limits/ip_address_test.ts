import { test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { IpNetwork, keyOf, parseAddress } from "../../lib/limits/ip_address.ts";

function key(text: string): string | undefined {
  const address = parseAddress(text);
  return address === undefined ? undefined : keyOf(address);
}

test("parseAddress() reads what servers and proxies write", () => {
  const cases: Record<string, string | undefined> = {
    "192.0.2.1": "192.0.2.1",
    "192.0.2.1:4711": "192.0.2.1",
    "255.255.255.255": "255.255.255.255",
    "::ffff:192.0.2.1": "192.0.2.1",
    "::FFFF:c000:201": "192.0.2.1",
    "[::ffff:192.0.2.1]:80": "192.0.2.1",
    "::1": "0:0:0:0::/64",
    "2001:db8::1": "2001:db8:0:0::/64",
    "[2001:db8::1]": "2001:db8:0:0::/64",
    "[2001:db8::1]:4711": "2001:db8:0:0::/64",
    "2001:DB8:0:0:1:2:3:4": "2001:db8:0:0::/64",
    "1:2:3:4:5:6:7:8": "1:2:3:4::/64",
    "::": "0:0:0:0::/64",
    "fe80::1%eth0": "fe80:0:0:0::/64",
  };
  for (const [text, expected] of Object.entries(cases)) assertEquals(key(text), expected, text);
});

test("parseAddress() takes nothing else for an address", () => {
  for (const text of [
    ...["", " ", "unknown", "_hidden", "localhost", "example.org", "1", "1.2.3", "1.2.3.4.5"],
    ...["256.1.1.1", "1.2.3.4:", "1.2.3.4:x", "0x7f.0.0.1", "2130706433", "1.2.3.4/8"],
    ...[":", ":::", "1:2", "12345::", "::1::", "[::1", "::1]", "[::1]x", "[1.2.3.4]", "g::1"],
    ...["1:2:3:4:5:6:7:8:9", "::1/64", "2001:db8::1 ", "a".repeat(10_000)],
  ]) {
    assertEquals(parseAddress(text), undefined, text.slice(0, 50));
  }
});

test("keyOf() counts a /64 of IPv6 as one, and the next one apart", () => {
  assertEquals(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  assertEquals(key("2001:db8:1:2::1") === key("2001:db8:1:3::1"), false);
});

test("an IpNetwork has the addresses in it, to the bit", () => {
  const cases: [network: string, address: string, has: boolean][] = [
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.0", false],
    ["10.1.2.3/8", "10.9.9.9", true],
    ["192.168.4.0/22", "192.168.7.255", true],
    ["192.168.4.0/22", "192.168.8.0", false],
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["10.0.0.0/8", "::ffff:10.0.0.1", true],
    ["2001:db8::/33", "2001:db8:7fff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["::1", "::1", true],
    ["::1", "::2", false],
  ];
  for (const [network, text, has] of cases) {
    const address = parseAddress(text) ?? [];
    assertEquals(new IpNetwork(network).has(address), has, `${network} ${text}`);
  }
});

test("an IpNetwork refuses what is none", () => {
  for (const text of [
    "",
    "x",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/",
    "10.0.0.1:80",
    "[::1]",
    "/8",
  ]) {
    assertThrows(() => new IpNetwork(text), TypeError, "neither an address nor a network");
  }
});
