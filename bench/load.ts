import type { Socket } from "bun";

export interface LoadOptions {
  readonly port: number;
  readonly path: string;
  /** The JSON that is posted. */
  readonly body: string;
  /** The JSON that must come back, to the letter. */
  readonly answer: string;
  readonly connections: number;
}

/** What has come of an answer that comes in pieces; undefined where nothing has. */
interface Received {
  bytes: Buffer | undefined;
}

const OK = Buffer.from("HTTP/1.1 200 ");

/**
 * Puts one server under load over keep-alive connections, each of which sends
 * its next request as soon as it has its answer.
 *
 * It does so little itself that the server is what is busy: a server that idles
 * between requests runs its code cold, and looks slower than it is.
 */
export class Load implements Disposable {
  readonly #request: Buffer;
  readonly #ending: Buffer;
  readonly #sockets: Socket<Received>[] = [];
  #answered = 0;
  #underWay = 0;
  #isOver = true;
  #idle = Promise.withResolvers<void>();

  private constructor({ port, path, body, answer }: LoadOptions) {
    this.#request = Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    this.#ending = Buffer.from(`\r\n\r\n${answer}`);
  }

  static async open(options: LoadOptions): Promise<Load> {
    const load = new Load(options);
    for (let count = 0; count < options.connections; count++) {
      const socket = await Bun.connect<Received>({
        hostname: "127.0.0.1",
        port: options.port,
        data: { bytes: undefined },
        socket: {
          data: (socket, bytes) => load.#receive(socket, bytes),
          close: () => {
            if (!load.#isOver) load.#fail("the server closed a connection");
          },
        },
      });
      load.#sockets.push(socket);
    }
    return load;
  }

  /** Keeps every connection busy for so long. */
  async run(seconds: number): Promise<{ requests: number; perSecond: number }> {
    this.#answered = 0;
    this.#isOver = false;
    this.#idle = Promise.withResolvers();
    const start = performance.now();
    for (const socket of this.#sockets) this.#send(socket);
    const over = setTimeout(() => {
      this.#isOver = true;
    }, seconds * 1_000);
    const late = setTimeout(() => this.#fail("an answer didn't come"), (seconds + 5) * 1_000);
    try {
      await this.#idle.promise;
    } finally {
      clearTimeout(over);
      clearTimeout(late);
    }
    const elapsed = (performance.now() - start) / 1_000;
    return { requests: this.#answered, perSecond: this.#answered / elapsed };
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.end();
  }

  #send(socket: Socket<Received>): void {
    this.#underWay += 1;
    if (socket.write(this.#request) < this.#request.length) this.#fail("a request didn't fit");
  }

  #receive(socket: Socket<Received>, bytes: Buffer): void {
    const { data } = socket;
    const received = data.bytes === undefined ? bytes : Buffer.concat([data.bytes, bytes]);
    if (!this.#isComplete(received)) {
      // The buffer is the socket's own, and used again.
      data.bytes = Buffer.from(received);
      return;
    }
    data.bytes = undefined;
    this.#underWay -= 1;
    this.#answered += 1;
    if (!this.#isOver) this.#send(socket);
    else if (this.#underWay === 0) this.#idle.resolve();
  }

  /** With one request under way at a time, an answer ends where its JSON does. */
  #isComplete(received: Buffer): boolean {
    const { length } = received;
    const bodyStart = length - this.#ending.length;
    if (length < OK.length) return false;
    if (received.compare(OK, 0, OK.length, 0, OK.length) !== 0) {
      this.#fail(`the server answers ${received}`);
    }
    return bodyStart > 0 && received.compare(this.#ending, 0, undefined, bodyStart) === 0;
  }

  #fail(reason: string): void {
    this.#idle.reject(new Error(reason));
  }
}
