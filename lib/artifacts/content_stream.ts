import type { Reads } from "../storage/mod.ts";
import type { ContentStatements } from "./content_statements.ts";
import { ArtifactChangedError } from "./errors.ts";

export interface ContentStreamOptions {
  readonly from: Reads;
  readonly statements: Pick<ContentStatements, "chunkAt">;
  readonly artifactId: string;
  readonly contentId: string;
  /** Bytes before the first one. */
  readonly start: number;
  /** Bytes before the one after the last. */
  readonly end: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Bytes, read chunk by chunk as somebody takes them. It holds no transaction, and a chunk in
 * memory; where the bytes are deleted meanwhile, it fails rather than end too soon.
 */
export function contentStream({
  from,
  statements,
  artifactId,
  contentId,
  start,
  end,
  signal,
}: ContentStreamOptions): ReadableStream<Uint8Array> {
  let next = start;
  let stopListening = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const abort = () => controller.error(signal?.reason);
        if (signal?.aborted) return abort();
        signal?.addEventListener("abort", abort, { once: true });
        stopListening = () => signal?.removeEventListener("abort", abort);
        if (next >= end) {
          controller.close();
          stopListening();
        }
      },
      async pull(controller) {
        try {
          // SQLite answers at once, and so may who reads: all else has its turn now.
          if (next > start) await new Promise<void>((resolve) => setImmediate(resolve));
          const found = { id: contentId, position: next };
          const [chunk] = await from.read(statements.chunkAt.with(found));
          if (signal?.aborted) return;
          const before = next - (chunk?.position ?? next);
          const bytes = chunk?.bytes.subarray(before, before + end - next);
          if (bytes === undefined || bytes.byteLength === 0) {
            throw new ArtifactChangedError(artifactId);
          }
          next += bytes.byteLength;
          controller.enqueue(bytes);
          if (next < end) return;
          controller.close();
        } catch (error) {
          stopListening();
          throw error;
        }
        stopListening();
      },
      cancel() {
        stopListening();
      },
    },
    // Nothing is read before somebody asks for it.
    { highWaterMark: 0 },
  );
}

/** The bytes of a text that is in memory anyway. */
export function textStream(
  text: string,
  { start, end }: { start: number; end: number },
): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text).subarray(start, end);
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (bytes.byteLength > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}
