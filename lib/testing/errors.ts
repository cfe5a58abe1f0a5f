/** The job can never end, however much time passes: what it waits for never comes. */
export class JobStuckError extends Error {
  override readonly name = "JobStuckError";
  readonly jobId: string;

  constructor(id: string, reason: string) {
    super(`Job ${id} can never end: ${reason}`);
    this.jobId = id;
  }
}
