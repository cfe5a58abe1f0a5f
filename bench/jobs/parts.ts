// What is measured of taskmount alone, each part in a process of its own.
import { type Between, between } from "./between.ts";
import { idle } from "./idle.ts";
import type { IdleCpu } from "./idle_cpu.ts";
import { type Grown, records } from "./records.ts";
import { type Soak, soak } from "./soak.ts";

/** What each part has found. */
export interface Found {
  readonly between: Between;
  readonly idle: IdleCpu;
  readonly records: readonly Grown[];
  readonly soak: Soak;
}

export type PartName = keyof Found;

export const PARTS: { readonly [Name in PartName]: () => Promise<Found[Name]> } = {
  between,
  idle,
  records,
  soak,
};

/** What the part prints is seen as it comes. */
export async function runPart<Name extends PartName>(name: Name): Promise<Found[Name]> {
  const found = Promise.withResolvers<Found[Name]>();
  Bun.spawn([process.execPath, `${import.meta.dir}/part_process.ts`, name], {
    ipc: (message) => found.resolve(message),
    onExit: () => found.reject(new Error(`${name} has ended without a result`)),
    stdout: "inherit",
    stderr: "inherit",
  });
  return await found.promise;
}
