import type { Session, Statements } from "../storage/mod.ts";
import type { Principal, Task } from "../tasks/mod.ts";
import type { SubmitOptions, Submitted } from "./options.ts";
import type { StateMachine, Submission } from "./state_machine.ts";
import { prepareSubmission, type SubmissionContext } from "./submission.ts";
import type { Writes } from "./writes.ts";

export interface SubmitterOptions extends Omit<SubmissionContext, "principal"> {
  readonly states: StateMachine;
  readonly writes: Writes;
  /** Something was submitted, and commits with this session if there is one. */
  readonly onSubmitted: (session: Session | undefined) => void;
}

/** The way of a job from what a caller gives to its record. */
export class Submitter {
  readonly #options: SubmitterOptions;
  readonly #submitAll = (submissions: readonly Submission[], tx: Statements) =>
    this.#options.states.submit(submissions, tx);

  constructor(options: SubmitterOptions) {
    this.#options = options;
  }

  /** Checks what is to be submitted, before anything is written; `principal` is who asks for it. */
  prepare(
    task: Task,
    params: unknown,
    options: Omit<SubmitOptions, "session">,
    principal: Principal | null = null,
  ): Promise<Submission> {
    const { clock, maxParams } = this.#options;
    return prepareSubmission(task, params, options, { clock, maxParams, principal });
  }

  async submit(submission: Submission, session: Session | undefined): Promise<Submitted> {
    const { writes, onSubmitted } = this.#options;
    const submitted = await writes.runBatched(session, this.#submitAll, submission);
    onSubmitted(session);
    return submitted;
  }

  /** All of them in one transaction, in order. */
  async submitMany(
    submissions: readonly Submission[],
    session: Session | undefined,
  ): Promise<Submitted[]> {
    const { writes, onSubmitted } = this.#options;
    const submitted = await writes.run(session, (tx) => this.#submitAll(submissions, tx));
    onSubmitted(session);
    return submitted;
  }
}
