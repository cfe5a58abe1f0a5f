import type { InFlight } from "./in_flight.ts";

/**
 * A stream that counts as under way from its first read to its end, whichever that is: for the body
 * of an answer, which is sent after the answer has been given.
 */
export function countedStream(
  source: ReadableStream<Uint8Array>,
  inFlight: InFlight,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  let isCounted = false;
  const end = () => {
    if (isCounted) inFlight.end();
    isCounted = false;
  };
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        if (!isCounted) inFlight.begin();
        isCounted = true;
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
        } catch (error) {
          end();
          throw error;
        }
        controller.close();
        end();
      },
      cancel: async (reason) => {
        end();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
