import { HttpProblem } from "./problem.ts";

/**
 * The body of a request, piece by piece and none before it is asked for; empty where there is none.
 *
 * It fails with a {@linkcode HttpProblem} 400 where the client breaks off.
 *
 * @throws {TypeError} where something has read the body before.
 */
export function bodyStream({ body, bodyUsed }: Request): ReadableStream<Uint8Array> {
  if (bodyUsed) throw new TypeError("Cannot read the body of a request a second time");
  const reader = body?.getReader();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = (await reader?.read().catch(throwBrokenOff)) ?? { done: true };
        if (done || value === undefined) controller.close();
        else controller.enqueue(value);
      },
      // Not awaited: of a request that was made of another one Bun never answers this.
      cancel: (reason) => {
        reader?.cancel(reason).catch(() => {
          // What broke off can't be canceled, and needn't be.
        });
      },
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
