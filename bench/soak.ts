// `bun bench/soak.ts [MINUTES]`: a server whose clients die at random, and whether its memory grows.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Folder } from "./jobs/folder.ts";
import { MortalClient } from "./soak/mortal_client.ts";

const MINUTES = Number(process.argv[2] ?? 10);
/** The part of the time after which all that is made once is there: minute 3 of 10. */
const WARM = 0.3;
const GOAL = 1.1;
const CLIENTS = 24;
/** Looks at the memory in the last seconds of a minute, of which the least is free of what is just under way. */
const LOOKS = 10;

interface Held {
  /** Bytes. */
  readonly resident: number;
  /** Requests that are being answered. */
  readonly pending: number;
}

using folder = new Folder();
let told = Promise.withResolvers<{ port: number } & Held>();
const server = Bun.spawn(
  [process.execPath, join(import.meta.dir, "soak/server.ts"), folder.file("app.db")],
  {
    // The allocator hands back at once what is free, so that what is resident is what is held.
    env: { ...process.env, MIMALLOC_PURGE_DELAY: "0" },
    stdio: ["ignore", "ignore", "inherit"],
    ipc: (message) => told.resolve(message),
    onExit: (_, code) => told.reject(new Error(`The server has ended with ${code}`)),
  },
);
const { port } = await told.promise;

async function look(): Promise<Held> {
  told = Promise.withResolvers();
  server.send("look");
  return await told.promise;
}

const count = { answered: 0, died: 0 };
let isOver = false;

async function live(): Promise<void> {
  const client = new MortalClient(port);
  while (!isOver) {
    count[await client.live()] += 1;
    await sleep(Math.random() * 10);
  }
}

const clients = Array.from({ length: CLIENTS }, live);
const resident: number[] = [];
for (let minute = 1; minute <= MINUTES; minute++) {
  await sleep(60_000 - LOOKS * 500);
  let least = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < LOOKS; turn++) {
    await sleep(500);
    least = Math.min(least, (await look()).resident);
  }
  resident.push(least);
  const megabytes = (least / 1024 / 1024).toFixed(1);
  console.log(
    `minute ${minute}: ${megabytes} MB resident; ${count.answered} requests answered, ${count.died} clients dead`,
  );
}
isOver = true;
await Promise.all(clients);
await sleep(1_000);
const { pending } = await look();
server.kill("SIGTERM");
const code = await server.exited;

const warm = Math.max(1, Math.round(MINUTES * WARM));
const growth = (resident.at(-1) ?? Number.NaN) / (resident[warm - 1] ?? Number.NaN);
const isReached = growth <= GOAL && pending === 0 && code === 0;
console.log(
  `minute ${MINUTES}, to minute ${warm}: ${growth.toFixed(2)} times, at most ${GOAL}; ${pending} requests left; exit code ${code}: ${isReached ? "reached" : "not reached"}`,
);
process.exitCode = isReached ? 0 : 1;
