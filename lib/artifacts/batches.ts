/** Most artifacts of a batch. */
const MOST = 100;
/** Bytes of JSON in a batch, unless a single artifact has more. */
const LARGEST = 1024 * 1024;

/** Puts listed artifacts together to batches, each of which can be in memory at once. */
export function* inBatches(
  listed: readonly { readonly id: string; readonly bytes: number }[],
): Generator<string[]> {
  let batch: string[] = [];
  let size = 0;
  for (const { id, bytes } of listed) {
    if (batch.length > 0 && (batch.length === MOST || size + bytes > LARGEST)) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(id);
    size += bytes;
  }
  if (batch.length > 0) yield batch;
}
