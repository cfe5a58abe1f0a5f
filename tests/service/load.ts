import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../jobs/crash/seeded_random.ts";
import { type RawAnswer, RawConnection, requestText } from "./connection.ts";

/** One request, and what became of it. */
export interface Sent {
  /** What its task notes in the journal; empty for what runs none. */
  readonly id: string;
  readonly what: string;
  readonly answer: RawAnswer;
}

type Request = Omit<Sent, "answer"> & { readonly text: string };

const EXECUTED = ["at_once", "plain", "plain", "large", "obedient", "obedient", "deaf"];

/** Several chunks of an artifact. */
export const BYTES: string = "0123456789abcdef".repeat(64 * 1024);

/** Clients that ask for all kinds of things, each on a connection of its own, until no more connections are had. */
export class Load {
  readonly executions: Sent[] = [];
  readonly submissions: Sent[] = [];
  readonly jobStreams: Sent[] = [];
  readonly uploads: Sent[] = [];
  readonly downloads: Sent[] = [];
  readonly healthStreams: Sent[] = [];
  readonly readiness: Sent[] = [];
  readonly liveness: Sent[] = [];
  readonly #port: number;
  readonly #random: SeededRandom;
  /** Milliseconds that a task takes at most. */
  readonly #longest: number;
  #count = 0;

  constructor(port: number, random: SeededRandom, { longest }: { longest: number }) {
    this.#port = port;
    this.#random = random;
    this.#longest = longest;
  }

  /** Resolves when the service takes no connection any more. */
  async run(): Promise<void> {
    await Promise.all([
      ...Array.from({ length: 6 }, () =>
        this.#keepAsking(() => this.#execution(), this.executions),
      ),
      ...Array.from({ length: 3 }, () =>
        this.#keepAsking(() => this.#submission(), this.submissions),
      ),
      ...Array.from({ length: 3 }, () => this.#follow()),
      ...Array.from({ length: 2 }, () => this.#upload()),
      ...Array.from({ length: 2 }, () =>
        this.#keepAsking(() => get("/health/$stream"), this.healthStreams),
      ),
      this.#keepAsking(() => get("/health/ready"), this.readiness),
      this.#keepAsking(() => get("/health/live"), this.liveness),
    ]);
  }

  /** Everything that was sent, in no order. */
  get all(): Sent[] {
    return [
      ...[this.executions, this.submissions, this.jobStreams, this.uploads, this.downloads],
      ...[this.healthStreams, this.readiness, this.liveness],
    ].flat();
  }

  /** The ids of the jobs that the service has said it has. */
  get acknowledged(): string[] {
    return this.submissions
      .filter(({ answer }) => answer.came === "whole" && answer.status === 202)
      .map(({ answer }) => idOf(answer));
  }

  async #keepAsking(next: () => Request, sent: Sent[]): Promise<void> {
    let connection = new RawConnection(this.#port);
    for (;;) {
      if (!connection.isOpen) connection = new RawConnection(this.#port);
      const answer = await this.#ask(connection, next(), sent);
      if (answer.came === "refused") return;
      if (answer.status === 503) await sleep(10);
      else await sleep(this.#random.below(sent === this.submissions ? 30 : 5));
    }
  }

  /** Submits a job, and follows it on another connection. */
  async #follow(): Promise<void> {
    for (;;) {
      using submitting = new RawConnection(this.#port);
      const submitted = await this.#ask(submitting, this.#submission(), this.submissions);
      if (submitted.came === "refused") return;
      if (submitted.status !== 202) {
        await sleep(10);
        continue;
      }
      using following = new RawConnection(this.#port);
      const path = `/api/v1/jobs/${idOf(submitted)}/$stream`;
      const accept = this.#random.oneIn(2) ? { accept: "text/event-stream" } : {};
      await this.#ask(following, get(path, accept), this.jobStreams);
    }
  }

  /** Uploads an artifact, and downloads it on another connection. */
  async #upload(): Promise<void> {
    for (;;) {
      using uploading = new RawConnection(this.#port);
      const text = `POST /api/v1/artifacts HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: ${BYTES.length}\r\n\r\n${BYTES}`;
      const request = { id: "", what: "POST /api/v1/artifacts", text };
      const uploaded = await this.#ask(uploading, request, this.uploads);
      if (uploaded.came === "refused") return;
      if (uploaded.status !== 201) {
        await sleep(10);
        continue;
      }
      using downloading = new RawConnection(this.#port);
      const path = `/api/v1/artifacts/${idOf(uploaded)}/$download`;
      await this.#ask(downloading, get(path), this.downloads);
      await sleep(20);
    }
  }

  async #ask(connection: RawConnection, request: Request, sent: Sent[]): Promise<RawAnswer> {
    const { id, what, text } = request;
    const answer = await connection.send(text);
    sent.push({ id, what, answer });
    return answer;
  }

  #execution(): Request {
    const task = EXECUTED[this.#random.below(EXECUTED.length)] ?? "at_once";
    const [id, ms] = [this.#nextId(), this.#milliseconds()];
    const path = `/api/v1/tasks/${task}/$execute`;
    return {
      id,
      what: `${task} of ${ms} ms, ${id}`,
      text: requestText("POST", path, { body: { params: { id, ms } } }),
    };
  }

  #submission(): Request {
    const task = ["at_once", "obedient", "deaf"][this.#random.below(3)] ?? "at_once";
    const [id, ms] = [this.#nextId(), this.#milliseconds()];
    const path = `/api/v1/tasks/${task}/$submit`;
    return {
      id: "",
      what: `a job of ${task} of ${ms} ms, ${id}`,
      text: requestText("POST", path, { body: { params: { id, ms } } }),
    };
  }

  #milliseconds(): number {
    // Most are short.
    return this.#random.oneIn(3) ? this.#random.below(this.#longest) : this.#random.below(50);
  }

  #nextId(): string {
    this.#count += 1;
    return `n${this.#count}`;
  }
}

function get(path: string, headers: Readonly<Record<string, string>> = {}): Request {
  return { id: "", what: `GET ${path}`, text: requestText("GET", path, { headers }) };
}

/** Of the job or artifact that was made. */
export function idOf({ body }: RawAnswer): string {
  const record: { readonly id: string } = JSON.parse(body);
  return record.id;
}
