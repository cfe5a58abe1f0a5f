import { heapStats } from "bun:jsc";
import { test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RequestServer } from "../../lib/http/mod.ts";
import { AllowedHosts } from "../../lib/limits/allowed_hosts.ts";

function listeningAt(address: RequestServer["address"]): RequestServer {
  return {
    ...(address === undefined ? {} : { address }),
    requestIP: () => null,
    timeout: () => {},
    stop: async () => {},
  };
}

const LOCAL = listeningAt({ address: "127.0.0.1" });

function isAnswered(hosts: AllowedHosts, host: string | undefined, server = LOCAL): boolean {
  // A Request drops what it is given as Host, which a server passes.
  const headers = new Headers(host === undefined ? {} : { host });
  return hosts.refusal({ headers } as Request, server) === undefined;
}

test("a server on loopback answers to the names of localhost, with any port", () => {
  const hosts = new AllowedHosts();
  for (const host of [
    ...[
      "localhost",
      "localhost:8000",
      "LocalHost:1",
      "localhost.",
      "app.localhost",
      "a.b.localhost:80",
    ],
    ...["127.0.0.1", "127.0.0.1:8000", "127.9.8.7", "[::1]", "[::1]:8000", "[0:0:0:0:0:0:0:1]"],
  ]) {
    // The second time it is remembered.
    assertEquals([isAnswered(hosts, host), isAnswered(hosts, host)], [true, true], host);
  }
});

test("a server on loopback answers to no other name", () => {
  const hosts = new AllowedHosts(["app.example.org"]);
  for (const host of [
    ...[
      "evil.example",
      "evil.example:8000",
      "localhost.evil.example",
      "notlocalhost",
      ".localhost",
    ],
    ...["127.0.0.1.evil.example", "128.0.0.1", "0.0.0.0", "192.168.0.1", "[::]", "[::2]", "::1"],
    ...["app.example.org.evil.example", "example.org", "x.app.example.org", "app.example.org@evil"],
    ...[
      "localhost/",
      "localhost#",
      "localhost:80:80",
      "user@localhost",
      "local host",
      "localhost, x",
    ],
    ...["127.1", "0x7f000001", "2130706433", "x".repeat(10_000), "", undefined],
  ]) {
    const shown = host?.slice(0, 50);
    assertEquals([isAnswered(hosts, host), isAnswered(hosts, host)], [false, false], shown);
  }
});

test("allowedHosts are answered too, all below one with *", () => {
  const hosts = new AllowedHosts(["App.example.org", "*.example.net", "[2001:db8::1]"]);
  for (const host of [
    "app.example.org",
    "APP.EXAMPLE.ORG:443",
    "a.example.net",
    "b.a.example.net",
  ]) {
    assertEquals(isAnswered(hosts, host), true, host);
  }
  assertEquals(isAnswered(hosts, "[2001:db8::1]:8000"), true);
  for (const host of ["example.net", "*.example.net", ".example.net", "evil-example.net"]) {
    assertEquals(isAnswered(hosts, host), false, host);
  }
});

test("Host is looked at only where the server listens on loopback alone", () => {
  const hosts = new AllowedHosts();
  const checked = (address: RequestServer["address"]) =>
    !isAnswered(hosts, "app.example.org", listeningAt(address));
  for (const address of ["127.0.0.1", "127.0.1.1", "::1", "::ffff:127.0.0.1"]) {
    assertEquals(checked({ address }), true, address);
  }
  for (const address of ["0.0.0.0", "::", "192.0.2.1"]) {
    assertEquals(checked({ address }), false, address);
  }
  // A Unix socket, a server that has stopped, one that doesn't say.
  for (const address of ["/run/app.sock", null, undefined]) assertEquals(checked(address), false);
});

test("a refusal says what came, and what would allow it", () => {
  const headers = new Headers({ host: "app.example.org:8443" });
  const problem = new AllowedHosts().refusal({ headers } as Request, LOCAL);
  assertEquals([problem?.status, problem?.code], [403, "host-not-allowed"]);
  assertStringIncludes(problem?.message ?? "", '"app.example.org:8443"');
  assertStringIncludes(problem?.message ?? "", "withLimits({ allowedHosts })");
});

test("names below localhost are not kept without end", () => {
  const hosts = new AllowedHosts();
  const strings = () => {
    Bun.gc(true);
    return heapStats().objectTypeCounts["string"] ?? 0;
  };
  const before = strings();
  for (let index = 0; index < 100_000; index++) isAnswered(hosts, `name-${index}.localhost`);
  const more = strings() - before;
  assert(more < 10_000, `${more} strings`);
  assert(isAnswered(hosts, "localhost"));
});
