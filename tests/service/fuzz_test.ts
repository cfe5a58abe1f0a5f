import { setDefaultTimeout, test } from "bun:test";
import { assert, assertEquals, assertLess } from "@std/assert";
import { within } from "../../lib/http/mod.ts";
import { type Service, ServiceBuilder } from "../../lib/mod.ts";
import { SeededRandom } from "../jobs/crash/seeded_random.ts";
import { OpenSessions } from "../storage/open_sessions.ts";
import { UnhandledRejections } from "../tasks/unhandled_rejections.ts";
import { RawConnection, requestText } from "./connection.ts";
import { type Answer, assertDocumented, assertRouted } from "./fuzz/expectations.ts";
import { type FuzzedRequest, RequestGenerator } from "./fuzz/request_generator.ts";
import { CREDENTIALS, SCHEDULES, startTarget, TASKS } from "./fuzz/target.ts";
import { toWire } from "./fuzz/wire_bytes.ts";

// By hand it takes minutes.
setDefaultTimeout(30 * 60_000);

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_260_101);
/** How many requests all tests here send; as many as fit into some seconds where nobody says. */
const REQUESTS = process.env["FUZZ_REQUESTS"];
/** The part of the requests, or of the time, that each test takes. */
const SHARES = { open: 0.4, guarded: 0.4, wire: 0.2 };
const SECONDS = 4;
/** What a request may take on a busy machine, in seconds; longer, it hangs. */
const LONGEST = 10;
/** Requests at once. */
const CLIENTS = 16;
const MEBIBYTE = 1024 * 1024;

console.log(`FUZZ_SEED=${SEED}`);

class Fuzzing {
  readonly service: Service;
  readonly random: SeededRandom;
  readonly generator: RequestGenerator;
  /** How many answers had each status. */
  readonly statuses = new Map<string, number>();
  readonly #goesOn: () => boolean;
  #sent = 0;

  constructor(service: Service, share: number, { guarded }: { guarded: boolean }) {
    this.service = service;
    this.random = new SeededRandom(SEED);
    this.generator = new RequestGenerator({
      random: this.random,
      routes: service.router.routes,
      tasks: TASKS,
      schedules: SCHEDULES,
      credentials: guarded ? CREDENTIALS : [],
    });
    const end = performance.now() + share * SECONDS * 1_000;
    const count = Number(REQUESTS) * share;
    this.#goesOn = () => (REQUESTS === undefined ? performance.now() < end : this.#sent < count);
  }

  /** Sends requests by `ask`, some at once, and names the request that is answered wrongly. */
  async run(ask: (request: FuzzedRequest) => Promise<string>): Promise<void> {
    let heap = 0;
    const client = async () => {
      while (this.#goesOn()) {
        const number = ++this.#sent;
        const request = this.generator.next();
        try {
          const status = await within(LONGEST, ask(request));
          assert(status !== undefined, `no answer within ${LONGEST} seconds`);
          this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
        } catch (cause) {
          throw new Error(`FUZZ_SEED=${SEED}, request ${number}: ${describe(request)}: ${cause}`, {
            cause,
          });
        }
        // What is made once is there by then.
        if (number === 1_000) heap = heapUsed();
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    console.log(
      `${this.#sent} requests: ${JSON.stringify(Object.fromEntries([...this.statuses].sort()))}`,
    );
    assert(this.#sent > 100, "hardly anything was sent, so nothing was shown");
    if (heap > 0) assertLess(heapUsed(), heap * 1.5 + 32 * MEBIBYTE);
  }
}

function heapUsed(): number {
  Bun.gc(true);
  return process.memoryUsage().heapUsed;
}

function describe({ method, path, headers, body }: FuzzedRequest): string {
  const text = body === null ? null : new TextDecoder().decode(body.subarray(0, 1_000));
  return JSON.stringify({ method, path: path.slice(0, 1_000), headers, body: text });
}

/** The request as a server would hand it over; undefined where none would. */
function toRequest({ method, path, headers, body }: FuzzedRequest): Request | undefined {
  const isRead = method === "GET" || method === "HEAD";
  try {
    return new Request(`http://localhost${path.startsWith("/") ? path : `/${path}`}`, {
      method,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      body: isRead ? null : body,
    });
  } catch {
    // Such as a path that is no URL's.
    return undefined;
  }
}

/** Reads an answer to its end; of a stream its beginning, since it may have none. */
async function read(response: Response): Promise<Answer> {
  const { status, headers, body } = response;
  const type = headers.get("content-type");
  if (type !== "text/event-stream" || body === null) {
    return { status, headers, text: body === null ? null : await response.text() };
  }
  const reader = body.getReader();
  const first = await reader.read();
  assert(first.done || first.value.length > 0, "a stream without a beginning");
  await reader.cancel();
  return { status, headers, text: null };
}

function learnFrom(generator: RequestGenerator, { headers }: Answer): void {
  const location = headers.get("location");
  if (location !== null) generator.learn(location);
}

test("what is fuzzed has everything that there is to be had", () => {
  const parts = Object.getOwnPropertyNames(ServiceBuilder.prototype);
  // Whoever adds one mounts it in fuzz/target.ts too, where it has routes.
  assertEquals(parts.filter((name) => name.startsWith("with")).sort(), [
    "withArtifacts",
    "withAuth",
    "withDatabase",
    "withHealth",
    "withJobs",
    "withLimits",
    "withTasks",
  ]);
});

for (const guarded of [false, true]) {
  const name = guarded ? "with keys" : "without keys";

  test(`no request makes a service ${name} fail or hang, and each refusal is documented`, async () => {
    using sessions = new OpenSessions();
    using rejections = new UnhandledRejections();
    await using service = await startTarget({ guarded });
    const basePath = guarded ? "/base" : "";
    const { routes } = service.router;
    const fuzzing = new Fuzzing(service, guarded ? SHARES.guarded : SHARES.open, { guarded });
    await fuzzing.run(async (fuzzed) => {
      const request = toRequest(fuzzed);
      if (request === undefined) return "none";
      const answer = await read(await service.fetch(request));
      learnFrom(fuzzing.generator, answer);
      assertDocumented(answer);
      const { pathname } = new URL(request.url);
      const path =
        basePath !== "" && pathname.startsWith(`${basePath}/`)
          ? pathname.slice(basePath.length)
          : pathname;
      const isMounted = /^\/mounted(\/|$)/.test(decoded(path));
      if (!isMounted) assertRouted(answer, { method: request.method, path, routes });
      return String(answer.status);
    });
    assertEquals((await service.fetch(new Request("http://localhost/health"))).status, 200);
    await service.stop({ grace: 5 });
    assertEquals(sessions.count, 0);
    await rejections.settle();
    assertEquals(rejections.reasons, []);
  });
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

test("no bytes make a service behind a port fail or hang", async () => {
  using sessions = new OpenSessions();
  using rejections = new UnhandledRejections();
  await using service = await startTarget({ guarded: false });
  const server = Bun.serve({ ...service, hostname: "127.0.0.1", port: 0, idleTimeout: 0 });
  const port = server.port ?? 0;
  const fuzzing = new Fuzzing(service, SHARES.wire, { guarded: false });
  await fuzzing.run(async (fuzzed) => {
    const { bytes, isWhole } = toWire(fuzzing.random, fuzzed);
    using connection = new RawConnection(port);
    const isStream = decoded(fuzzed.path).includes("$stream");
    // A server rightly waits for the rest of what is not whole, and a stream has no end.
    const seconds = isWhole && !isStream ? LONGEST : 0.05;
    const answer = await connection.send(bytes, { seconds, method: fuzzed.method });
    const { came, status, headers, body } = answer;
    const isLeft = isStream && came === "silence";
    assert(came === "whole" || isLeft || !isWhole, `${came} is the answer`);
    // Bun's own have no document: 505 is for a version, and the others for what is no HTTP.
    const isBuns = body === "" && [400, 413, 414, 431, 505].includes(status);
    if (came === "whole" && !isBuns) {
      const text = fuzzed.method === "HEAD" ? null : utf8(body);
      assertDocumented({ status, headers, text });
      learnFrom(fuzzing.generator, { status, headers, text });
    }
    return `${came} ${status}`;
  });
  using connection = new RawConnection(port);
  assertEquals((await connection.send(requestText("GET", "/health"))).status, 200);
  await service.stop({ grace: 5 });
  await server.stop(true);
  assertEquals(sessions.count, 0);
  await rejections.settle();
  assertEquals(rejections.reasons, []);
});

function utf8(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}
