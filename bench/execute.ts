// `$execute` of a greeting through the whole service, against raw Bun.serve, Hono and Elysia.
import { Load } from "./load.ts";
import { median } from "./median.ts";

/** Processes of the same code differ, by how it came to be compiled and where it lies in memory. */
const STARTS = 3;
const ROUNDS = 6;
const SECONDS = 0.4;
const CONNECTIONS = 32;
const PATH = "/api/v1/tasks/greet_user/$execute";
const BODY = '{"params":{"name":"Alice"}}';
const ANSWER =
  '{"task_name":"greet_user","params":{"name":"Alice"},"result":{"message":"Hello, Alice!"},"error":null}';

const CANDIDATES: Record<string, string[]> = {
  "raw Bun.serve": ["raw.ts"],
  "raw, looking at path, method and headers": ["guarded.ts"],
  "taskmount, 10 tasks": ["taskmount.ts", "10"],
  "taskmount, 10,000 tasks": ["taskmount.ts", "10000"],
  "taskmount, inject: [Session]": ["taskmount.ts", "10", "Session"],
  "taskmount, inject: [TaskContext, Session]": ["taskmount.ts", "10", "TaskContext", "Session"],
  "Hono with valibot": ["hono.ts"],
  Elysia: ["elysia.ts"],
};

interface Candidate {
  readonly port: number;
  /** Microseconds of CPU that the server's process has used. */
  cpu(): Promise<number>;
  stop(): void;
}

/** Microseconds of the server's CPU for one request, and requests a second. */
interface Figures {
  readonly cpu: number;
  readonly rate: number;
}

async function start([file = "", ...args]: string[]): Promise<Candidate> {
  let answered = Promise.withResolvers<Record<string, number>>();
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/servers/${file}`, ...args], {
    env: { ...process.env, NODE_ENV: "production" },
    ipc: (message) => answered.resolve(message),
    onExit: () => answered.reject(new Error(`${file} has ended`)),
    stdout: "inherit",
    stderr: "inherit",
  });
  const { port = 0 } = await answered.promise;
  return {
    port,
    cpu: async () => {
      answered = Promise.withResolvers();
      child.send("cpu");
      const { cpu = Number.NaN } = await answered.promise;
      return cpu;
    },
    stop: () => child.kill(),
  };
}

async function measure({ port, cpu }: Candidate, seconds: number): Promise<Figures> {
  // Connections of its own each time, since servers close what idles.
  using load = await Load.open({
    port,
    path: PATH,
    body: BODY,
    answer: ANSWER,
    connections: CONNECTIONS,
  });
  const before = await cpu();
  const { requests, perSecond } = await load.run(seconds);
  return { cpu: ((await cpu()) - before) / requests, rate: perSecond };
}

// A round compares what was measured within seconds: the machine's own speed drifts over minutes.
const rounds: Figures[][] = [];
for (let count = 0; count < STARTS; count++) {
  const candidates = await Promise.all(Object.values(CANDIDATES).map((args) => start(args)));
  for (const candidate of candidates) await measure(candidate, 1);
  for (let round = 0; round < ROUNDS; round++) {
    const figures: Figures[] = [];
    for (const candidate of candidates) figures.push(await measure(candidate, SECONDS));
    rounds.push(figures);
  }
  for (const candidate of candidates) candidate.stop();
}

/** The median over the rounds of one candidate's figure, or of what it is times that of raw. */
function over(index: number, figure: (own: Figures, raw: Figures) => number): number {
  return median(
    rounds.flatMap((figures) => {
      const [raw] = figures;
      const own = figures[index];
      return own === undefined || raw === undefined ? [] : [figure(own, raw)];
    }),
  );
}

console.log(
  `$execute of a greeting, ${CONNECTIONS} connections, medians of ${STARTS} x ${ROUNDS} rounds`,
);
console.table(
  Object.keys(CANDIDATES).map((server, index) => ({
    server,
    "us of CPU a request": over(index, (own) => own.cpu).toFixed(1),
    "raw's CPU to it": over(index, (own, raw) => raw.cpu / own.cpu).toFixed(3),
    "requests/s": Math.round(over(index, (own) => own.rate)),
    "to raw's": over(index, (own, raw) => own.rate / raw.rate).toFixed(3),
  })),
);
