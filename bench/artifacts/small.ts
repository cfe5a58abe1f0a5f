// Saves and gets JSON of 1 KB, one after the other. `bun bench/artifacts/small.ts taskmount|bare`.
import { Database as File } from "bun:sqlite";
import { ArtifactManager, Database } from "../../lib/mod.ts";
import { ulid } from "../../lib/storage/mod.ts";
import { Folder } from "../jobs/folder.ts";
import { stopwatch } from "../jobs/stopwatch.ts";

interface Store {
  save(data: unknown): Promise<string> | string;
  get(id: string): Promise<unknown> | unknown;
}

const COUNT = 5_000;
const DATA = { name: "x".repeat(500), rows: Array.from({ length: 100 }, (_, row) => row * 1_000) };

using folder = new Folder();
const stores: Record<string, () => Store> = {
  bare: () => {
    const file = new File(folder.file("bare.db"));
    file.run("PRAGMA journal_mode = WAL");
    file.run("PRAGMA synchronous = NORMAL");
    file.run("CREATE TABLE artifacts (id TEXT PRIMARY KEY, data TEXT, created_at INTEGER)");
    const insert = file.prepare("INSERT INTO artifacts VALUES (?, ?, ?)");
    const select = file.prepare<{ data: string }, [string]>("SELECT * FROM artifacts WHERE id = ?");
    return {
      save(data) {
        const id = ulid();
        insert.run(id, JSON.stringify(data), Date.now());
        return id;
      },
      get: (id) => JSON.parse(select.get(id)?.data ?? ""),
    };
  },
  taskmount: () => {
    const database = Database.sqlite(folder.file("taskmount.db"));
    const artifacts = new ArtifactManager({ database });
    return {
      save: async (data) => (await artifacts.save({ data })).id,
      get: (id) => artifacts.get(id),
    };
  },
};

const store = stores[process.argv[2] ?? ""]?.();
if (store === undefined) throw new Error("Name taskmount or bare");
for (let count = 0; count < 500; count += 1) await store.get(await store.save(DATA));
const ids: string[] = [];
const saving = stopwatch();
for (let count = 0; count < COUNT; count += 1) ids.push(await store.save(DATA));
const saves = (COUNT / saving()) * 1_000;
const getting = stopwatch();
for (const id of ids) await store.get(id);
const gets = (COUNT / getting()) * 1_000;
console.log(JSON.stringify({ saves, gets }));
