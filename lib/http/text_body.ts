const encoder = new TextEncoder();
/** Characters of text that are gathered before they are sent. */
const PIECE = 64 * 1024;

type Texts = Iterator<string, void> | AsyncIterator<string, void>;

/**
 * Texts as the body of an answer: as one where they are few, else a stream that makes no more than
 * the client takes. What the first ones fail by is thrown, so that it can still be answered.
 */
export async function textBody(texts: Texts): Promise<string | ReadableStream<Uint8Array>> {
  const first = await gather(texts);
  if (first.isLast) return first.piece;
  let waiting: string | undefined = first.piece;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        if (waiting !== undefined) {
          controller.enqueue(encoder.encode(waiting));
          waiting = undefined;
          return;
        }
        const { piece, isLast } = await gather(texts);
        if (piece !== "") controller.enqueue(encoder.encode(piece));
        if (isLast) controller.close();
      },
      cancel: async () => {
        await texts.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

async function gather(texts: Texts): Promise<{ piece: string; isLast: boolean }> {
  let piece = "";
  while (piece.length < PIECE) {
    const { done, value } = await texts.next();
    if (done) return { piece, isLast: true };
    piece += value;
  }
  return { piece, isLast: false };
}
