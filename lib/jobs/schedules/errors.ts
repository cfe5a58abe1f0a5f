/** A schedule is not what it may be. */
export class InvalidScheduleError extends TypeError {
  override readonly name = "InvalidScheduleError";

  constructor(schedule: string, reason: string, options?: ErrorOptions) {
    super(`Cannot schedule "${schedule}": ${reason}`, options);
  }
}

/** No running process declares a schedule of this name. */
export class ScheduleNotFoundError extends Error {
  override readonly name = "ScheduleNotFoundError";

  constructor(schedule: string) {
    super(`There is no schedule "${schedule}"`);
  }
}
