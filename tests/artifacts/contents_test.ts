import { setDefaultTimeout, test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CHUNK_SIZE } from "../../lib/artifacts/contents.ts";
import {
  ArtifactChangedError,
  ArtifactTooLargeError,
  InvalidArtifactError,
  UnknownParentError,
  UploadLostError,
} from "../../lib/mod.ts";
import { TemporaryFolder } from "../storage/databases.ts";
import {
  Bed,
  bytesOf,
  chunksFor,
  MEBIBYTE,
  NOTHING,
  type StoredTables,
  sha256,
  streamOf,
} from "./bed.ts";

setDefaultTimeout(30_000);

const SIZES = [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE, 3_000_017];

test("bytes of any size come back, from whatever they were in", async () => {
  await using bed = new Bed();
  await using folder = await TemporaryFolder.create();
  for (const size of SIZES) {
    const bytes = bytesOf(size);
    const path = folder.file(`${size}.bin`);
    await Bun.write(path, bytes);
    const sources = {
      Uint8Array: bytes,
      ArrayBuffer: bytes.buffer.slice(0, size),
      DataView: new DataView(bytes.buffer, 0, size),
      Blob: new Blob([bytes]),
      file: Bun.file(path),
      stream: new Blob([bytes]).stream(),
      "stream of small pieces": streamOf(pieces(bytes, 1_000_003)),
      "stream of one piece": streamOf([bytes]),
    };
    for (const [from, data] of Object.entries(sources)) {
      const saved = await bed.artifacts.save({ data });
      assertEquals([saved.size, saved.sha256], [size, await sha256(bytes)], `${from} of ${size}`);
      assertEquals(saved.data, null);
      assert(Buffer.compare(await bed.read(saved.id), bytes) === 0, `${from} of ${size}`);
      // Or the next one would share them, whatever it has written.
      await bed.artifacts.delete(saved.id);
    }
  }
});

function* pieces(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += length) {
    yield bytes.subarray(start, start + length);
  }
}

test("the type and name of bytes are those of the Blob, or as given", async () => {
  await using bed = new Bed();
  await using folder = await TemporaryFolder.create();
  const csv = folder.file("cities.csv");
  await Bun.write(csv, "name\nOslo\n");
  const described = async (
    data: unknown,
    rest: { contentType?: string; filename?: string } = {},
  ) => {
    const { contentType, filename } = await bed.artifacts.save({ data, ...rest });
    return [contentType, filename];
  };
  const octets = "application/octet-stream";
  assertEquals(await described(bytesOf(1)), [octets, null]);
  assertEquals(await described(new Blob(["a"])), [octets, null]);
  assertEquals(await described(new Blob(["a"], { type: "text/x" })), ["text/x", null]);
  assertEquals(await described(new File(["a"], "ä.txt", { type: "text/x" })), ["text/x", "ä.txt"]);
  assertEquals((await described(Bun.file(csv)))[1], "cities.csv");
  assertEquals(
    await described(new File(["a"], "a.txt"), { contentType: "a/b; c=d", filename: "b" }),
    ["a/b; c=d", "b"],
  );
});

test("stream() gives any part", async () => {
  await using bed = new Bed();
  const bytes = bytesOf(2 * CHUNK_SIZE + 100);
  const { id } = await bed.artifacts.save({ data: bytes });
  const edges = [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE];
  for (const start of edges) {
    for (const end of [...edges, bytes.length, bytes.length + 10]) {
      const part = await bed.read(id, { start, end });
      const expected = start < end ? bytes.subarray(start, end) : new Uint8Array();
      assert(Buffer.compare(part, expected) === 0, `${start} to ${end}`);
    }
  }
  await assertRejects(() => bed.artifacts.stream(id, { start: -1 }), RangeError, "start");
  await assertRejects(() => bed.artifacts.stream(id, { end: 0.5 }), RangeError, "end");
});

test("stream() gives the text of JSON data", async () => {
  await using bed = new Bed();
  const { id } = await bed.artifacts.save({ data: { ü: 1 } });
  assertEquals(new TextDecoder().decode(await bed.read(id)), '{"ü":1}');
  assertEquals(new TextDecoder().decode(await bed.read(id, { start: 4, end: 6 })), '":');
});

test("stream() reads no further than somebody takes", async () => {
  await using bed = new Bed();
  const { id } = await bed.artifacts.save({ data: bytesOf(3 * MEBIBYTE) });
  const reader = (await bed.artifacts.stream(id)).getReader();
  assertEquals((await reader.read()).value?.length, CHUNK_SIZE);
  await bed.artifacts.delete(id);
  // Had it read ahead, the next chunk would come.
  await assertRejects(() => reader.read(), ArtifactChangedError, id);
});

test("stream() fails where the data is replaced meanwhile", async () => {
  await using bed = new Bed();
  const { id } = await bed.artifacts.save({ data: bytesOf(3 * MEBIBYTE) });
  const stream = await bed.artifacts.stream(id);
  await bed.artifacts.update(id, { data: bytesOf(3 * MEBIBYTE, 2) });
  await assertRejects(() => new Response(stream).bytes(), ArtifactChangedError);
});

test("stream() ends with its signal", async () => {
  await using bed = new Bed();
  const { id } = await bed.artifacts.save({ data: bytesOf(3 * MEBIBYTE) });
  const abort = new AbortController();
  const reader = (await bed.artifacts.stream(id, { signal: abort.signal })).getReader();
  await reader.read();
  abort.abort(new Error("enough"));
  await assertRejects(() => reader.read(), Error, "enough");
});

test("the same bytes are stored once, and go with the last artifact that has them", async () => {
  await using bed = new Bed();
  for (const size of [10, 2 * MEBIBYTE + 5]) {
    const bytes = bytesOf(size);
    const first = await bed.artifacts.save({ data: bytes });
    const second = await bed.artifacts.save({ data: new Blob([bytes]) });
    const chunks = chunksFor(size);
    assertEquals(await bed.stored(), { contents: ["stored"], chunks });
    await bed.artifacts.delete(first.id);
    assert(Buffer.compare(await bed.read(second.id), bytes) === 0);
    await bed.artifacts.update(second.id, { data: null });
    assertEquals(await bed.stored(), NOTHING);
  }
});

test("update() with the same bytes keeps them", async () => {
  await using bed = new Bed();
  const bytes = bytesOf(2 * MEBIBYTE);
  const { id } = await bed.artifacts.save({ data: bytes });
  await bed.artifacts.update(id, { data: bytes });
  assertEquals(await bed.stored(), { contents: ["stored"], chunks: chunksFor(2 * MEBIBYTE) });
  assert(Buffer.compare(await bed.read(id), bytes) === 0);
});

test("two uploads of the same bytes at once are stored once", async () => {
  await using bed = new Bed();
  const bytes = bytesOf(3 * MEBIBYTE);
  const saved = await Promise.all([1, 2, 3].map(() => bed.artifacts.save({ data: bytes })));
  assertEquals(await bed.stored(), { contents: ["stored"], chunks: chunksFor(3 * MEBIBYTE) });
  for (const { id } of saved) await bed.artifacts.delete(id);
  assertEquals(await bed.stored(), NOTHING);
});

test("an upload over maxUpload leaves nothing behind, and its stream is canceled", async () => {
  await using bed = new Bed({ maxUpload: 2 * MEBIBYTE });
  let canceled = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytesOf(MEBIBYTE)),
    cancel: () => {
      canceled += 1;
    },
  });
  await assertRejects(() => bed.artifacts.save({ data: endless }), ArtifactTooLargeError);
  assertEquals([canceled, endless.locked], [1, false]);
  assertEquals(await bed.stored(), NOTHING);
  assertEquals(await bed.artifacts.list(), []);
  await bed.artifacts.save({ data: bytesOf(2 * MEBIBYTE) });
});

test("an upload whose stream fails leaves nothing behind", async () => {
  await using bed = new Bed();
  for (const before of [0, 1, 3]) {
    let pulled = 0;
    const data = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        if (pulled > before) controller.error(new Error("cut off"));
        else controller.enqueue(bytesOf(MEBIBYTE));
      },
    });
    await assertRejects(() => bed.artifacts.save({ data }), Error, "cut off");
    assertEquals(await bed.stored(), NOTHING);
  }
});

test("an upload that is aborted leaves nothing behind, even where its stream hangs", async () => {
  await using bed = new Bed();
  const hanging = Promise.withResolvers<void>();
  const canceled = Promise.withResolvers<unknown>();
  let pulled = 0;
  const data = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += 1;
      if (pulled <= 3) return controller.enqueue(bytesOf(MEBIBYTE));
      hanging.resolve();
      return new Promise(() => {});
    },
    cancel: (reason) => canceled.resolve(reason),
  });
  const abort = new AbortController();
  const saving = bed.artifacts.save({ data }, { signal: abort.signal });
  const rejected = assertRejects(() => saving, Error, "never mind");
  await hanging.promise;
  assertEquals((await bed.stored()).contents, ["uploading"]);
  abort.abort(new Error("never mind"));
  await rejected;
  assertEquals(await canceled.promise, abort.signal.reason);
  assertEquals(await bed.stored(), NOTHING);
});

test("an upload whose artifact is refused leaves nothing behind", async () => {
  await using bed = new Bed();
  const parent = await bed.artifacts.save({});
  const started = Promise.withResolvers<void>();
  const proceed = Promise.withResolvers<void>();
  let pulled = 0;
  const data = new ReadableStream<Uint8Array>({
    async pull(controller) {
      pulled += 1;
      if (pulled <= 3) return controller.enqueue(bytesOf(MEBIBYTE));
      started.resolve();
      await proceed.promise;
      controller.close();
    },
  });
  const saving = bed.artifacts.save({ data, parentId: parent.id });
  const rejected = assertRejects(() => saving, UnknownParentError);
  await started.promise;
  await bed.artifacts.delete(parent.id);
  proceed.resolve();
  await rejected;
  assertEquals(await bed.stored(), NOTHING);
});

test("what can't be read as bytes is refused", async () => {
  await using bed = new Bed();
  await using folder = await TemporaryFolder.create();
  const locked = streamOf([bytesOf(1)]);
  locked.getReader();
  const texts = new ReadableStream({ pull: (controller) => controller.enqueue("text") });
  for (const data of [locked, texts]) {
    const error = await assertRejects(() => bed.artifacts.save({ data }), InvalidArtifactError);
    assertEquals(error.issues[0]?.path, ["data"]);
  }
  await assertRejects(
    () => bed.artifacts.save({ data: Bun.file(folder.file("missing")) }),
    Error,
    "ENOENT",
  );
  assertEquals(await bed.artifacts.list(), []);
});

test("others write while an upload waits for its bytes", async () => {
  await using bed = new Bed();
  const waiting = Promise.withResolvers<void>();
  const proceed = Promise.withResolvers<void>();
  let pulled = 0;
  const data = new ReadableStream<Uint8Array>({
    async pull(controller) {
      pulled += 1;
      if (pulled === 4) {
        waiting.resolve();
        await proceed.promise;
        return controller.close();
      }
      controller.enqueue(bytesOf(MEBIBYTE));
    },
  });
  const saving = bed.artifacts.save({ data });
  await waiting.promise;
  const between = await bed.artifacts.save({ data: "meanwhile" });
  assertEquals((await bed.artifacts.list()).length, 1);
  await bed.database.transaction((tx) => bed.artifacts.delete(between.id, { session: tx }));
  proceed.resolve();
  assertEquals((await saving).size, 3 * MEBIBYTE);
});

test("others write between the chunks of an upload that never waits", async () => {
  await using bed = new Bed();
  let finished = false;
  const saving = bed.artifacts.save({ data: bytesOf(40 * MEBIBYTE) }).finally(() => {
    finished = true;
  });
  let between = 0;
  while (!finished) {
    await bed.artifacts.save({ data: between });
    between += 1;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await saving;
  // About one for each chunk.
  assert(between >= 20, `${between}`);
});

test("upload() is freed unless an artifact gets it", async () => {
  await using bed = new Bed();
  {
    await using upload = await bed.artifacts.upload(bytesOf(3 * MEBIBYTE));
    assertEquals(upload.size, 3 * MEBIBYTE);
    assertEquals((await bed.stored()).contents, ["uploading"]);
  }
  assertEquals(await bed.stored(), NOTHING);
  let id: string;
  {
    await using upload = await bed.artifacts.upload(bytesOf(3 * MEBIBYTE));
    const saved = await bed.artifacts.save({ data: upload, contentType: "a/b", filename: "c" });
    assertEquals([saved.contentType, saved.size], ["a/b", 3 * MEBIBYTE]);
    id = saved.id;
  }
  assertEquals(await bed.stored(), { contents: ["stored"], chunks: chunksFor(3 * MEBIBYTE) });
  assert(Buffer.compare(await bed.read(id), bytesOf(3 * MEBIBYTE)) === 0);
});

test("an upload that others took for lost fails, and says so", async () => {
  await using bed = new Bed();
  // With the stream's next piece, or at its end.
  for (const left of [1, 0]) {
    const waiting = Promise.withResolvers<void>();
    const proceed = Promise.withResolvers<void>();
    let pulled = 0;
    const data = new ReadableStream<Uint8Array>({
      async pull(controller) {
        pulled += 1;
        if (pulled === 4) {
          waiting.resolve();
          await proceed.promise;
        }
        if (pulled > 3 + left) controller.close();
        else controller.enqueue(bytesOf(MEBIBYTE));
      },
    });
    const saving = bed.artifacts.save({ data });
    const rejected = assertRejects(() => saving, UploadLostError);
    await waiting.promise;
    await bed.database
      .kysely<StoredTables>()
      .updateTable("taskmount_artifact_contents")
      .set({ state: "garbage" })
      .execute();
    await bed.artifacts.sweep();
    proceed.resolve();
    await rejected;
    assertEquals(await bed.stored(), NOTHING);
  }
});
