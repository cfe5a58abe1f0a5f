import { within } from "../http/mod.ts";
import type { Logger } from "../tasks/mod.ts";
import type { ApiKeys } from "./api_keys.ts";
import { InvalidKeysError } from "./errors.ts";
import type { KeySource } from "./key_source.ts";

/** Seconds that a source is given to answer; whoever asks meanwhile waits. */
const PATIENCE = 5;

export interface KeyRingOptions {
  /** Seconds for which what a source says holds. */
  readonly refresh: number;
  readonly logger: Logger;
}

/**
 * The keys that are valid now. Nobody is let in by keys older than `refresh`: whoever comes first
 * then has the source asked, once for all who wait. Where it fails, the last good ones stay.
 */
export class KeyRing {
  readonly #source: KeySource;
  readonly #options: KeyRingOptions;
  #keys: ApiKeys | undefined;
  /** When they were asked for, in milliseconds. */
  #askedAt = performance.now();
  #loading: Promise<ApiKeys> | undefined;
  /** What went wrong the last time, so that it is logged once. */
  #failure: string | undefined;

  constructor(source: KeySource, options: KeyRingOptions) {
    this.#source = source;
    this.#options = options;
    this.#keys = source.keys;
  }

  /**
   * The keys; a promise only where the source has to be asked.
   *
   * @throws {InvalidKeysError} where there never were any.
   */
  current(): ApiKeys | Promise<ApiKeys> {
    const { load } = this.#source;
    if (this.#keys !== undefined) {
      if (load === undefined) return this.#keys;
      const age = performance.now() - this.#askedAt;
      if (age < this.#options.refresh * 1_000) return this.#keys;
    }
    if (load === undefined) throw new InvalidKeysError(this.#source.name, "there are none");
    this.#loading ??= this.#load(load).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(load: () => Promise<ApiKeys>): Promise<ApiKeys> {
    const { name } = this.#source;
    const { logger } = this.#options;
    this.#askedAt = performance.now();
    try {
      const keys = await within(PATIENCE, load());
      if (keys === undefined) {
        throw new InvalidKeysError(name, `there was no answer within ${PATIENCE} seconds`);
      }
      if (this.#keys !== undefined && (keys !== this.#keys || this.#failure !== undefined)) {
        logger.debug("the keys were read again", { from: name, keys: keys.size });
      }
      this.#failure = undefined;
      this.#keys = keys;
      return keys;
    } catch (error) {
      if (this.#keys === undefined) throw error;
      const failure = error instanceof Error ? error.message : String(error);
      if (failure !== this.#failure) {
        logger.error("the keys can't be read again; those of before stay valid", { error });
      }
      this.#failure = failure;
      return this.#keys;
    }
  }
}
