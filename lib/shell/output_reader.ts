import type { ReadableStreamDefaultReader } from "node:stream/web";
import { nextTurn } from "./next_turn.ts";

/** How often the output of background children is read after their shell exited, in milliseconds. */
const unattendedInterval = 100;

/** Turns without news after which a stream counts as read up to now. One is what it takes. */
const idleTurns = 2;

/** Turns after which a stream counts as read up to now although somebody keeps writing. */
const busyTurns = 64;

/** Reads one output stream of a command: keeps its first `limit` bytes and drops the rest. */
export class OutputReader {
  readonly #stream: ReadableStream<Uint8Array>;
  readonly #limit: number;
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  #kept: Uint8Array = new Uint8Array(0);
  #length = 0;
  #received = 0;
  #keeping = true;
  #ended = false;
  #left = false;

  constructor(stream: ReadableStream<Uint8Array>, limit: number) {
    this.#stream = stream;
    this.#limit = limit;
    this.#reader = stream.getReader();
    void this.#read();
  }

  /** Whether the last process that could write to the stream has closed it. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes read so far, those dropped included. */
  get received(): number {
    return this.#received;
  }

  /** Whether more came than was kept. */
  get truncated(): boolean {
    return this.#received > this.#length;
  }

  /** What was kept, decoded as UTF-8 with replacement characters. */
  text(): string {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    // `stream` holds back a character that the limit cut in two.
    return decoder.decode(this.#kept.subarray(0, this.#length), { stream: this.truncated });
  }

  /** Closes the stream: who still writes to it gets SIGPIPE. */
  async close(): Promise<void> {
    if (!this.#ended) await this.#reader.cancel();
  }

  /**
   * Leaves the stream to background children. It stays open, so that their writes neither fail nor
   * block, but it no longer keeps this process alive, and what they write is dropped.
   */
  leave(): void {
    if (this.#ended) return;
    this.#left = true;
    this.#keeping = false;
    // Releasing the reader is what lets the process exit: Bun counts a locked stream as work.
    this.#reader.releaseLock();
    setTimeout(() => void this.#readUnattended(), unattendedInterval).unref();
  }

  async #readUnattended(): Promise<void> {
    this.#left = false;
    this.#reader = this.#stream.getReader();
    void this.#read();
    await readUpToNow([this]);
    this.leave();
  }

  async #read(): Promise<void> {
    const reader = this.#reader;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        this.#received += value.byteLength;
        if (this.#keeping) this.#keep(value);
      }
      this.#ended = true;
    } catch {
      // `leave()` rejects the read under way, which loses nothing. Otherwise the stream is broken:
      // no more will come, and what came is the command's output.
      this.#ended = !this.#left;
    }
  }

  #keep(chunk: Uint8Array): void {
    const kept = chunk.subarray(0, this.#limit - this.#length);
    const length = this.#length + kept.byteLength;
    if (this.#length === 0) {
      this.#kept = kept;
    } else {
      if (length > this.#kept.byteLength) this.#grow(length);
      this.#kept.set(kept, this.#length);
    }
    this.#length = length;
  }

  /** One growing array, since a list of chunks would cost many times their bytes if they are tiny. */
  #grow(length: number): void {
    const grown = new Uint8Array(
      Math.min(this.#limit, Math.max(length, 2 * this.#kept.byteLength)),
    );
    grown.set(this.#kept.subarray(0, this.#length));
    this.#kept = grown;
  }
}

/**
 * Resolves once everything written to the outputs before the call has been read, without waiting
 * for their ends, which a background child may hold off for ever.
 *
 * Each turn of the event loop asks the kernel what is readable, and a pending read takes it. So
 * after a turn that brought nothing, nothing was left. (Bun 1.4.5 has always read everything before
 * it tells of the exit, but nothing promises that.)
 */
export async function readUpToNow(outputs: readonly OutputReader[]): Promise<void> {
  const received = () => outputs.reduce((sum, output) => sum + output.received, 0);
  let idle = 0;
  for (let turn = 0; turn < busyTurns && idle < idleTurns; turn++) {
    if (outputs.every((output) => output.ended)) return;
    const before = received();
    await nextTurn();
    idle = received() === before ? idle + 1 : 0;
  }
}
