// Saves and reads a stream of so many MiB. `bun bench/artifacts/large.ts taskmount|bare MIB PAGE`.
import { Database as File } from "bun:sqlite";
import { createHash } from "node:crypto";
import { ArtifactManager, Database } from "../../lib/mod.ts";
import { Folder } from "../jobs/folder.ts";
import { stopwatch } from "../jobs/stopwatch.ts";

interface Store {
  save(pieces: Iterable<Uint8Array>): Promise<void>;
  read(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const MEBIBYTE = 1024 * 1024;
const [, , name = "", size = "1024", page = "4096"] = process.argv;

using folder = new Folder();
const path = folder.file("large.db");
// A page size is a file's for ever, and chosen before anything is in it.
const prepared = new File(path);
prepared.run(`PRAGMA page_size = ${Number(page)}`);
prepared.run("VACUUM");

const stores: Record<string, () => Store> = {
  bare: () => {
    const file = prepared;
    file.run("PRAGMA journal_mode = WAL");
    file.run("PRAGMA synchronous = NORMAL");
    file.run("CREATE TABLE chunks (number INTEGER PRIMARY KEY, bytes BLOB)");
    const insert = file.prepare("INSERT INTO chunks (bytes) VALUES (?)");
    const select = file.prepare<{ bytes: Uint8Array }, [number]>(
      "SELECT bytes FROM chunks WHERE number = ?",
    );
    return {
      async save(pieces) {
        const hash = createHash("sha256");
        for (const piece of pieces) {
          hash.update(piece);
          insert.run(piece);
        }
        hash.digest("hex");
      },
      *read() {
        for (let number = 1; ; number += 1) {
          const row = select.get(number);
          if (row === null) return;
          yield row.bytes;
        }
      },
    };
  },
  taskmount: () => {
    prepared.close();
    const database = Database.sqlite(path);
    const artifacts = new ArtifactManager({ database });
    let id = "";
    return {
      async save(pieces) {
        const iterator = pieces[Symbol.iterator]();
        const data = new ReadableStream<Uint8Array>(
          {
            pull(controller) {
              const { done, value } = iterator.next();
              if (done) controller.close();
              else controller.enqueue(value);
            },
          },
          { highWaterMark: 0 },
        );
        id = (await artifacts.save({ data })).id;
      },
      async *read() {
        yield* await artifacts.stream(id);
      },
    };
  },
};

// The system's own maximum begins at that of who has started the process.
let peak = 0;
function look(): void {
  peak = Math.max(peak, process.memoryUsage.rss() / MEBIBYTE);
}

/** From one buffer, so that the memory is that of who saves them. */
function* pieces(): Generator<Uint8Array> {
  const piece = crypto.getRandomValues(new Uint8Array(65_536)).toHex();
  const buffer = new TextEncoder().encode(piece.repeat(8)).subarray(0, MEBIBYTE);
  for (let number = 0; number < Number(size); number += 1) {
    buffer.set([number, number >> 8], number);
    look();
    yield buffer;
  }
}

const store = stores[name]?.();
if (store === undefined) throw new Error("Name taskmount or bare");
const saving = stopwatch();
await store.save(pieces());
const upload = (Number(size) / saving()) * 1_000;
const uploadPeak = peak;
const reading = stopwatch();
let received = 0;
for await (const piece of store.read()) {
  received += piece.byteLength;
  look();
}
const download = (Number(size) / reading()) * 1_000;
if (received !== Number(size) * MEBIBYTE) throw new Error(`It came back as ${received} bytes`);
console.log(JSON.stringify({ upload, download, uploadPeak, peak }));
