// `$execute` of a greeting through the whole service, against raw Bun.serve, Hono and Elysia.
import autocannon from "autocannon";
import { median } from "./median.ts";

const ROUNDS = 7;
const SECONDS = 2;
const CONNECTIONS = 32;
const PATH = "/api/v1/tasks/greet_user/$execute";
const BODY = '{"params":{"name":"Alice"}}';
const ANSWER =
  '{"task_name":"greet_user","params":{"name":"Alice"},"result":{"message":"Hello, Alice!"},"error":null}';

const CANDIDATES: Record<string, string[]> = {
  "raw Bun.serve": ["raw.ts"],
  "taskmount, 10 tasks": ["taskmount.ts", "10"],
  "taskmount, 10,000 tasks": ["taskmount.ts", "10000"],
  "taskmount, inject: [Session]": ["taskmount.ts", "10", "Session"],
  "taskmount, inject: [TaskContext, Session]": ["taskmount.ts", "10", "TaskContext", "Session"],
  "Hono with valibot": ["hono.ts"],
  Elysia: ["elysia.ts"],
};

interface Candidate {
  readonly name: string;
  readonly url: string;
  /** Microseconds of CPU that the server's process has used. */
  cpu(): Promise<number>;
  stop(): void;
}

async function start(name: string, [file = "", ...args]: string[]): Promise<Candidate> {
  let answered = Promise.withResolvers<Record<string, number>>();
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/servers/${file}`, ...args], {
    env: { ...process.env, NODE_ENV: "production" },
    ipc: (message) => answered.resolve(message),
    stdout: "inherit",
    stderr: "inherit",
  });
  const { port } = await answered.promise;
  return {
    name,
    url: `http://127.0.0.1:${port}${PATH}`,
    cpu: async () => {
      answered = Promise.withResolvers();
      child.send("cpu");
      const { cpu = Number.NaN } = await answered.promise;
      return cpu;
    },
    stop: () => child.kill(),
  };
}

async function check({ name, url }: Candidate): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await (await fetch(url, { method: "POST", body: BODY, headers })).text();
  if (answer !== ANSWER) throw new Error(`${name} answers ${answer}`);
}

/** Microseconds of the server's CPU for one request, and requests a second. */
async function load(candidate: Candidate, seconds: number): Promise<[cpu: number, rate: number]> {
  const before = await candidate.cpu();
  const { requests, non2xx, errors } = await autocannon({
    url: candidate.url,
    method: "POST",
    body: BODY,
    headers: { "content-type": "application/json" },
    connections: CONNECTIONS,
    duration: seconds,
  });
  if (non2xx + errors > 0) throw new Error(`${candidate.name}: ${non2xx + errors} failures`);
  return [((await candidate.cpu()) - before) / requests.total, requests.average];
}

const candidates = await Promise.all(
  Object.entries(CANDIDATES).map(([name, args]) => start(name, args)),
);
const cpu = new Map<string, number[]>();
const rate = new Map<string, number[]>();
for (const candidate of candidates) {
  await check(candidate);
  await load(candidate, 1);
}
for (let round = 0; round < ROUNDS; round++) {
  for (const candidate of candidates) {
    const [microseconds, perSecond] = await load(candidate, SECONDS);
    cpu.set(candidate.name, [...(cpu.get(candidate.name) ?? []), microseconds]);
    rate.set(candidate.name, [...(rate.get(candidate.name) ?? []), perSecond]);
  }
}
for (const candidate of candidates) candidate.stop();

const raw = median(cpu.get("raw Bun.serve") ?? []);
console.log(`$execute of a greeting, ${CONNECTIONS} connections, medians of ${ROUNDS} rounds`);
console.table(
  candidates.map(({ name }) => {
    const microseconds = median(cpu.get(name) ?? []);
    return {
      server: name,
      "us of CPU a request": microseconds.toFixed(2),
      "ratio to raw": (raw / microseconds).toFixed(3),
      "requests/s": Math.round(median(rate.get(name) ?? [])),
    };
  }),
);
