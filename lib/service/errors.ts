/** A service can't be built; every reason is named. */
export class ServiceConfigurationError extends Error {
  override readonly name = "ServiceConfigurationError";
  readonly reasons: readonly string[];

  constructor(id: string, reasons: readonly string[]) {
    super(
      `Cannot build the service "${id}":\n${reasons.map((reason) => `- ${reason}`).join("\n")}`,
    );
    this.reasons = reasons;
  }
}

/** The service has been stopped; build another one. */
export class ServiceStoppedError extends Error {
  override readonly name = "ServiceStoppedError";

  constructor(id: string) {
    super(`The service "${id}" has stopped`);
  }
}

/** A shutdown hook did not end in time; the rest was closed all the same. */
export class ShutdownTimeoutError extends Error {
  override readonly name = "ShutdownTimeoutError";

  constructor(id: string, seconds: number) {
    super(`A shutdown hook of the service "${id}" did not end within ${seconds} seconds`);
  }
}
