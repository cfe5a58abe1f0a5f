import type { ArtifactBytes } from "./artifact.ts";
import { InvalidArtifactError } from "./errors.ts";

/** Whether something is kept as bytes rather than as JSON. */
export function isBytes(data: unknown): data is ArtifactBytes {
  return (
    data instanceof Blob ||
    data instanceof ArrayBuffer ||
    ArrayBuffer.isView(data) ||
    data instanceof ReadableStream
  );
}

/**
 * Bytes in chunks of `size`, but for the last one. Of a stream or a file no more than two chunks
 * are in memory at once: one holds its bytes until the one after the next is asked for.
 *
 * @throws {InvalidArtifactError} where a stream is being read already, or gives something else.
 * @throws The signal's reason, or what the stream itself fails by; the stream is then canceled.
 */
export function chunksOf(
  source: ArtifactBytes,
  { size, signal }: { size: number; signal?: AbortSignal | undefined },
): AsyncIterable<Uint8Array> {
  if (source instanceof ReadableStream) return chunksOfStream(source, size, signal);
  if (source instanceof Blob) return chunksOfBlob(source, size, signal);
  return chunksOfBuffer(viewOf(source), size, signal);
}

async function* chunksOfBuffer(
  bytes: Uint8Array,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += size) {
    signal?.throwIfAborted();
    yield bytes.subarray(start, start + size);
  }
}

async function* chunksOfBlob(
  blob: Blob,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  // Even of an empty one the first part is read: it may be a file that isn't there.
  for (let start = 0; start === 0 || start < blob.size; start += size) {
    signal?.throwIfAborted();
    const part = new Uint8Array(await blob.slice(start, start + size).arrayBuffer());
    if (part.byteLength > 0) yield part;
    if (part.byteLength < Math.min(size, blob.size - start)) {
      throw refusal("Expected a file that stays as it is while it is read");
    }
  }
}

async function* chunksOfStream(
  stream: ReadableStream<unknown>,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (stream.locked) throw refusal("Expected a stream that nobody else reads");
  const reader = stream.getReader();
  let failure: unknown;
  const cancel = (reason: unknown) => {
    reader.cancel(reason).catch(() => {
      // Whoever made the stream knows of it; here the reason counts.
    });
  };
  const abort = () => cancel(signal?.reason);
  signal?.addEventListener("abort", abort);
  let finished = false;
  try {
    let chunk = new Uint8Array(size);
    // Two take turns, since new ones are garbage faster than it is collected.
    let other: Uint8Array<ArrayBuffer> | undefined;
    let filled = 0;
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      // A canceled stream ends as if it were complete.
      signal?.throwIfAborted();
      if (done) break;
      if (!ArrayBuffer.isView(value)) {
        throw refusal(`Expected a stream of Uint8Array, not of ${typeof value}`);
      }
      let rest = viewOf(value);
      while (rest.byteLength > 0) {
        const part = rest.subarray(0, size - filled);
        chunk.set(part, filled);
        filled += part.byteLength;
        rest = rest.subarray(part.byteLength);
        if (filled === size) {
          yield chunk;
          [chunk, other] = [other ?? new Uint8Array(size), chunk];
          filled = 0;
        }
      }
    }
    finished = true;
    if (filled > 0) yield chunk.subarray(0, filled);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
    if (!finished) cancel(failure);
    reader.releaseLock();
  }
}

function viewOf(source: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
}

function refusal(message: string): InvalidArtifactError {
  return new InvalidArtifactError([{ path: ["data"], message }]);
}
