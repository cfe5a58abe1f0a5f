import { InvalidProviderError, MissingProviderError } from "./errors.ts";
import type { Provider } from "./provider.ts";
import { type Injectable, type Providable, unwrap } from "./token.ts";

/** What one run keeps of the values that live as long as it does. */
export interface RunValues {
  readonly values: Map<Provider, unknown>;
  /** Disposes in reverse order of creation. */
  readonly disposables: AsyncDisposableStack;
}

/** Makes one argument for a run. */
export type Resolve<Run extends RunValues> = (run: Run) => unknown;

/**
 * Knows who provides which token, and makes the arguments of tasks.
 *
 * What can be wrong with the graph of providers is found when one is added: a
 * cycle, and a singleton that would keep a value of one run.
 */
export class Container<Run extends RunValues> {
  readonly #builtIn: ReadonlyMap<Providable, { scope: Provider["scope"]; resolve: Resolve<Run> }>;
  readonly #providers = new Map<Providable, Provider>();
  readonly #singletons = new Map<Provider, Promise<unknown>>();
  readonly #disposables = new AsyncDisposableStack();

  constructor(
    builtIn: Iterable<readonly [Providable, { scope: Provider["scope"]; resolve: Resolve<Run> }]>,
  ) {
    this.#builtIn = new Map(builtIn);
  }

  /** @throws {InvalidProviderError} */
  add(provider: Provider): void {
    const { token } = provider;
    if (this.#builtIn.has(token) || this.#providers.has(token)) {
      throw new InvalidProviderError(token.name, "it is provided already");
    }
    this.#providers.set(token, provider);
    try {
      for (const each of this.#providers.values()) this.#check(each, []);
    } catch (error) {
      this.#providers.delete(token);
      throw error;
    }
  }

  /** How to make each argument; undefined in the place of an optional one that nobody provides. */
  plan(inject: readonly Injectable[], neededBy: string): (Resolve<Run> | undefined)[] {
    return inject.map((injectable) => {
      const { token, required } = unwrap(injectable);
      const builtIn = this.#builtIn.get(token);
      if (builtIn !== undefined) return builtIn.resolve;
      const provider = this.#providers.get(token);
      if (provider !== undefined) return (run) => this.#resolve(provider, run);
      if (!required) return undefined;
      throw new MissingProviderError(token.name, neededBy);
    });
  }

  /** Disposes the singletons, in reverse order of creation. */
  async dispose(): Promise<void> {
    await this.#disposables.disposeAsync();
  }

  async #resolve(provider: Provider, run: Run): Promise<unknown> {
    if (provider.scope === "singleton") return await this.#singleton(provider, run);
    if (run.values.has(provider)) return run.values.get(provider);
    const value = await this.#create(provider, run);
    run.values.set(provider, value);
    await keep(run.disposables, value);
    return value;
  }

  #singleton(provider: Provider, run: Run): Promise<unknown> {
    let value = this.#singletons.get(provider);
    if (value === undefined) {
      value = this.#create(provider, run).then(
        async (created) => {
          await keep(this.#disposables, created);
          return created;
        },
        (error: unknown) => {
          // The next run tries again.
          this.#singletons.delete(provider);
          throw error;
        },
      );
      this.#singletons.set(provider, value);
    }
    return value;
  }

  async #create(provider: Provider, run: Run): Promise<unknown> {
    const injected: unknown[] = [];
    for (const resolve of this.plan(provider.inject, `The provider of "${provider.token.name}"`)) {
      injected.push(await resolve?.(run));
    }
    return await provider.create(...injected);
  }

  /** Follows what a provider needs, to the ends. */
  #check(provider: Provider, chain: readonly Provider[]): void {
    const names = [...chain, provider].map(({ token }) => token.name).join(" -> ");
    const name = provider.token.name;
    if (chain.includes(provider)) throw new InvalidProviderError(name, `it needs itself: ${names}`);
    for (const injectable of provider.inject) {
      const { token } = unwrap(injectable);
      const needed = this.#providers.get(token);
      const scope = needed?.scope ?? this.#builtIn.get(token)?.scope;
      if (provider.scope === "singleton" && scope === "execution") {
        throw new InvalidProviderError(
          name,
          `it is a singleton and needs "${token.name}", which lives as long as one run; give it scope: "execution"`,
        );
      }
      if (needed !== undefined) this.#check(needed, [...chain, provider]);
    }
  }
}

/** Leaves a value to be disposed; at once where its owner has ended while it was made. */
async function keep(disposables: AsyncDisposableStack, value: unknown): Promise<void> {
  if (!isDisposable(value)) return;
  if (!disposables.disposed) {
    disposables.use(value);
    return;
  }
  await using late = new AsyncDisposableStack();
  late.use(value);
}

function isDisposable(value: unknown): value is AsyncDisposable | Disposable {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  return Symbol.asyncDispose in value || Symbol.dispose in value;
}
