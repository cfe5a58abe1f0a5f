// Reads a tree of 10,000 nodes. `bun bench/artifacts/tree.ts`.
import { ArtifactManager, Database } from "../../lib/mod.ts";
import { Folder } from "../jobs/folder.ts";
import { stopwatch } from "../jobs/stopwatch.ts";
import { median } from "../median.ts";

const NODES = 10_000;
const CHILDREN = 10;

using folder = new Folder();
await using database = Database.sqlite(folder.file("tree.db"));
await using artifacts = new ArtifactManager({ database });
const ids: string[] = [];
for (let node = 0; node < NODES; node += 1) {
  const parentId = node === 0 ? null : (ids[Math.floor((node - 1) / CHILDREN)] ?? null);
  const data = { step: node, score: node / 3 };
  ids.push((await artifacts.save({ data, parentId, tags: node % 5 === 0 ? ["a"] : [] })).id);
}
const times: number[] = [];
for (let round = 0; round < 15; round += 1) {
  Bun.gc(true);
  const time = stopwatch();
  await artifacts.tree(ids[0] ?? "");
  times.push(time());
}
const moving = stopwatch();
const under = (await artifacts.save({})).id;
await artifacts.update(ids[0] ?? "", { parentId: under });
const move = moving();
console.log(JSON.stringify({ first: times[0], tree: median(times), move }));
