import { InvalidProviderError } from "./errors.ts";
import type { Awaitable } from "./task.ts";
import {
  type Injectable,
  type InjectedAll,
  isInjectable,
  isProvidable,
  NO_TOKENS,
  type Providable,
} from "./token.ts";

/**
 * How long a provided value lives: as long as its executor, or as long as one
 * run, of which each gets its own.
 */
export type ProviderScope = "singleton" | "execution";

export interface ProviderOptions<T, I extends readonly Injectable[]> {
  /** Tokens of the arguments of `create`, in their order. */
  inject?: I;
  /** @default {"singleton"} */
  scope?: ProviderScope;
  /** Makes the value, when it is first asked for. */
  create: (...injected: InjectedAll<I>) => Awaitable<T>;
}

/** A provider whose types have been checked where it was made. */
export interface Provider {
  readonly token: Providable;
  readonly inject: readonly Injectable[];
  readonly scope: ProviderScope;
  readonly create: (...injected: unknown[]) => unknown;
  /** Whether what it makes belongs to somebody else, who disposes it. */
  readonly isLent: boolean;
}

/**
 * Checks what the types of `provide()` hold, for callers who have none.
 *
 * @throws {InvalidProviderError}
 */
export function checkProvider(
  provider: {
    readonly [K in Exclude<keyof Provider, "isLent">]: unknown;
  },
): void {
  const { token, inject, scope, create } = provider;
  if (!isProvidable(token)) {
    throw new InvalidProviderError(String(token), "it is no class and no token()");
  }
  if (typeof create !== "function") {
    throw new InvalidProviderError(token.name, "create is no function");
  }
  if (scope !== "singleton" && scope !== "execution") {
    throw new InvalidProviderError(token.name, 'the scope is neither "singleton" nor "execution"');
  }
  if (!Array.isArray(inject) || !inject.every(isInjectable)) {
    throw new InvalidProviderError(token.name, NO_TOKENS);
  }
}

/** A token and how to make its value, as `withTasks({ provide: [...] })` takes it. */
export type ProviderEntry<T, I extends readonly Injectable[]> = readonly [
  token: Providable<T>,
  options: ProviderOptions<T, I>,
];
