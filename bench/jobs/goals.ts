// Every goal, with what was measured beside it.
import { median } from "../median.ts";
import type { Compared } from "./compare.ts";
import type { IdleCpu } from "./idle_cpu.ts";
import type { MeasureName } from "./measures.ts";
import type { Found } from "./parts.ts";
import { CANDIDATES, type Candidate, type CandidateName } from "./queues/mod.ts";

/** What was measured: only the parts that ran. */
export type Results = Partial<Found & { readonly compare: Compared }>;

interface Goal {
  readonly what: string;
  /** `times` a peer's, or of a table that is empty, or `ms`, or `%` of one core. */
  readonly unit: "times" | "ms" | "%";
  readonly atLeast?: number;
  readonly atMost?: number;
  /** undefined where its part did not run, or the peer was not there. */
  readonly measured: number | undefined;
  /** The same for bare bun:sqlite, in the same run. */
  readonly ceiling?: number | undefined;
}

/** Memory that doesn't grow is a little more at one time than at another. */
const FLAT = 1.1;

export function printGoals(results: Results): void {
  console.log("\ngoals");
  console.table(
    goals(results).map(({ what, unit, atLeast, atMost, measured, ceiling }) => ({
      goal: what,
      wanted: atLeast === undefined ? `<= ${atMost} ${unit}` : `>= ${atLeast} ${unit}`,
      measured: format(measured, unit),
      "bare bun:sqlite": format(ceiling, unit),
      reached: verdict({ atLeast, atMost, measured }),
    })),
  );
  // On a quiet machine; what this run made of it stands in the table.
  console.log(
    "bare bun:sqlite as measured before: 39k jobs/s added one by one, 440k at once, 151k worked, 91k to 121k added and worked, started after 0.23 ms",
  );
}

function goals({ compare, between, idle, records, soak }: Results): Goal[] {
  return [
    ...comparedGoals(compare ?? new Map()),
    {
      what: "submit to start between two processes, median",
      unit: "ms",
      atMost: 1,
      measured: between && median(between.waits),
    },
    ...idleGoals("a process that works", idle),
    ...idleGoals("one of two that works", between?.idle.worker),
    ...idleGoals("one of two that submits", between?.idle.submitter),
    ...(records ?? [{ name: "lists and claims", ratio: undefined }]).map(({ name, ratio }) => ({
      what: `${name} beside a million records`,
      unit: "times" as const,
      atMost: 1.15,
      measured: ratio,
    })),
    {
      what: "resident memory at the end of the soak, to that at 30 %",
      unit: "times",
      atMost: FLAT,
      measured: soak?.growth,
    },
  ];
}

function idleGoals(whose: string, cpu: IdleCpu | undefined): Goal[] {
  const goal = { unit: "%", atMost: 0.3 } as const;
  return [
    { ...goal, what: `idle CPU of ${whose}, soon after its work`, measured: cpu?.soon },
    { ...goal, what: `idle CPU of ${whose}, later`, measured: cpu?.later },
  ];
}

function comparedGoals(compared: Compared): Goal[] {
  /** Of each measured by one of theirs, round by round, the best of these peers in each. */
  const goal = (
    what: string,
    atLeast: number,
    measure: MeasureName,
    peers: readonly CandidateName[],
    theirs: MeasureName = measure,
  ): Goal => {
    const of = (name: CandidateName) =>
      ratio(
        roundsOf(compared, name, measure),
        peers.map((peer) => roundsOf(compared, peer, theirs)),
      );
    return {
      what,
      unit: "times",
      atLeast,
      measured: of("taskmount"),
      ceiling: of("bare bun:sqlite"),
    };
  };
  const durable = (Object.entries(CANDIDATES) as [CandidateName, Candidate][])
    .filter(([, { isDurablePeer }]) => isDurablePeer)
    .map(([name]) => name);
  const started = (name: CandidateName) => {
    const waits = roundsOf(compared, name, "started").flat();
    return waits.length === 0 ? undefined : median(waits);
  };
  return [
    goal("added one by one, to plainjob", 0.9, "addedOneByOne", ["plainjob"]),
    goal("added one by one, to BullMQ with AOF", 3, "addedOneByOne", ["BullMQ, AOF"]),
    goal(
      "added at once, to the best durable peer one by one",
      7,
      "addedAtOnce",
      durable,
      "addedOneByOne",
    ),
    goal("submitMany, to plainjob's addMany", 0.6, "addedInBulk", ["plainjob"]),
    goal("added and worked, to the best durable peer", 4, "addedAndWorked", durable),
    {
      what: "submit to start in one process, median",
      unit: "ms",
      atMost: 0.5,
      measured: started("taskmount"),
      ceiling: started("bare bun:sqlite"),
    },
  ];
}

function roundsOf(
  compared: Compared,
  name: CandidateName,
  measure: MeasureName,
): readonly (readonly number[])[] {
  return compared.get(name)?.[measure] ?? [];
}

/** The median of the ratios within each round, to the best of the peers that were there. */
function ratio(
  own: readonly (readonly number[])[],
  peers: readonly (readonly (readonly number[])[])[],
): number | undefined {
  const there = peers.filter((rounds) => rounds.length > 0);
  if (own.length === 0 || there.length === 0) return undefined;
  return median(
    own.map((figures, round) => {
      const best = Math.max(...there.map((rounds) => median(rounds[round] ?? [])));
      return median(figures) / best;
    }),
  );
}

function format(value: number | undefined, unit: Goal["unit"]): string {
  return value === undefined ? "" : `${value.toFixed(2)} ${unit}`;
}

function verdict({
  atLeast = Number.NEGATIVE_INFINITY,
  atMost = Number.POSITIVE_INFINITY,
  measured,
}: Pick<Goal, "measured"> & {
  readonly atLeast: number | undefined;
  readonly atMost: number | undefined;
}): string {
  if (measured === undefined) return "not measured";
  return measured >= atLeast && measured <= atMost ? "reached" : "not reached";
}
