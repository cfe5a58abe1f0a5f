// Adding and working through jobs that do nothing, against the peers.
import { type Figures, MEASURES, type MeasureName } from "./measures.ts";
import { CANDIDATES, type Candidate, type CandidateName } from "./queues/mod.ts";

/** The first one warms up, and is dropped. */
const ROUNDS = 5;

/** The figures of each round. */
export type Compared = ReadonlyMap<CandidateName, Readonly<Record<MeasureName, Figures[]>>>;

interface Subject {
  readonly name: CandidateName;
  readonly figures: Record<MeasureName, Figures[]>;
  readonly measure: (name: MeasureName) => Promise<{ figures: Figures; durability: string }>;
  readonly stop: () => void;
}

/** Measures all whose servers are there, round by round: what stands in one round was measured within seconds. */
export async function compare(): Promise<Compared> {
  const subjects: Subject[] = [];
  for (const [name, { needs }] of entries<CandidateName, Candidate>(CANDIDATES)) {
    if (needs !== undefined && process.env[needs] === undefined) {
      console.log(`${name} is left out: ${needs} doesn't say where its server is`);
    } else subjects.push(await start(name));
  }
  const durabilities = new Map<string, string>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name] of entries<MeasureName, unknown>(MEASURES)) {
      for (const subject of subjects) {
        const { figures, durability } = await subject.measure(name);
        durabilities.set(subject.name, durability);
        if (round > 0) subject.figures[name].push(figures);
      }
    }
  }
  for (const { stop } of subjects) stop();
  for (const [name, durability] of durabilities) console.log(`${name}: ${durability}`);
  return new Map(subjects.map(({ name, figures }) => [name, figures]));
}

async function start(name: CandidateName): Promise<Subject> {
  let answered = Promise.withResolvers<{ figures: Figures; durability: string }>();
  const ready = answered.promise;
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/candidate_process.ts`, name], {
    ipc: (message) => answered.resolve(message),
    onExit: () => answered.reject(new Error(`${name} has ended`)),
    stdout: "inherit",
    stderr: "inherit",
  });
  await ready;
  return {
    name,
    figures: {
      addedOneByOne: [],
      addedAtOnce: [],
      addedInBulk: [],
      worked: [],
      addedAndWorked: [],
      started: [],
    },
    measure: (name) => {
      answered = Promise.withResolvers();
      child.send(name);
      return answered.promise;
    },
    stop: () => child.kill(),
  };
}

/** As `Object.entries`, for a record whose keys are known. */
function entries<Key extends string, Value>(record: Record<Key, Value>): [Key, Value][] {
  return Object.entries(record) as [Key, Value][];
}
