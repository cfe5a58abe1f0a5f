import { HttpProblem } from "./problem.ts";
import { within } from "./within.ts";

export interface BodyStreamOptions {
  /** Seconds that the client may be silent; then the body fails with 408. @default {120} */
  patience?: number | undefined;
}

/**
 * The body of a request, piece by piece and none before it is asked for; empty where there is none.
 * It fails with a {@linkcode HttpProblem}: 400 where the client breaks off, 408 where it falls
 * silent, which a server no longer watches over once it has been told to wait long.
 *
 * @throws {TypeError} where something has read the body before.
 */
export function bodyStream(
  { body, bodyUsed }: Request,
  { patience = 120 }: BodyStreamOptions = {},
): ReadableStream<Uint8Array> {
  if (bodyUsed) throw new TypeError("Cannot read the body of a request a second time");
  const source: ReadableStream<Uint8Array> = body ?? new Blob([]).stream();
  const reader = source.getReader();
  // Not awaited: of a request that was made of another one Bun never answers this.
  const cancel = (reason?: unknown): void => {
    reader.cancel(reason).catch(() => {
      // What broke off can't be canceled, and needn't be.
    });
  };
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const read = await within(patience, reader.read().catch(throwBrokenOff));
        if (read === undefined) {
          cancel();
          throw new HttpProblem(408, "request-timeout", {
            detail: `Nothing of the body has come for ${patience} seconds`,
          });
        }
        if (read.done) controller.close();
        else controller.enqueue(read.value);
      },
      cancel,
    },
    { highWaterMark: 0 },
  );
}

/** The client went away, so that nobody may hear of it; but it is no fault of the service. */
export function throwBrokenOff(cause: unknown): never {
  throw new HttpProblem(400, "incomplete-body", {
    detail: "The body broke off before its end",
    cause,
  });
}
