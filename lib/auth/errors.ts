/** The keys of `withAuth()` can't be used. It never has one of them in its message. */
export class InvalidKeysError extends Error {
  override readonly name = "InvalidKeysError";

  constructor(source: string, reason: string, options?: ErrorOptions) {
    super(`Cannot use the keys of ${source}: ${reason}`, options);
  }
}

/** A package is not there that is needed for this alone. */
export class MissingPackageError extends Error {
  override readonly name = "MissingPackageError";

  constructor(name: string, feature: string, options?: ErrorOptions) {
    super(
      `${feature} needs the package "${name}", which is not installed: bun add ${name}`,
      options,
    );
  }
}
