import { MissingPackageError } from "./errors.ts";

/** A compiled program has its packages within itself, where an import finds them and nothing else does. */
const IS_COMPILED = /\/(\$bunfs|~BUN)\//.test(import.meta.url);

/**
 * Refuses a feature for which a package is not installed, without loading that.
 *
 * @throws {MissingPackageError}
 */
export function refuseMissing(name: string, feature: string): void {
  if (IS_COMPILED) return;
  try {
    import.meta.resolve(name);
  } catch {
    throw new MissingPackageError(name, feature);
  }
}
