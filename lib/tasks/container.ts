import { InvalidProviderError, MissingProviderError } from "./errors.ts";
import type { Provider } from "./provider.ts";
import { type Injectable, type Providable, unwrap } from "./token.ts";

/** What one run keeps of the values that live as long as it does. */
export interface RunValues {
  readonly values: Map<Provider, unknown>;
  /** Disposes in reverse order of creation; disposed itself where the run has ended. */
  readonly disposables: AsyncDisposableStack;
  /** Throws where the run was interrupted, so that nothing more is made for it. */
  throwIfInterrupted(): void;
}

/** Makes one argument for a run. */
export type Resolve<Run extends RunValues> = (run: Run) => unknown;

/** How to make each argument; undefined in the place of an optional one that nobody provides. */
export type Plan<Run extends RunValues> = readonly (Resolve<Run> | undefined)[];

/**
 * Knows who provides which token, and makes the arguments of tasks.
 *
 * What can be wrong with the graph of providers is found when one is added: a
 * cycle, and a singleton that would keep a value of one run.
 */
export class Container<Run extends RunValues> {
  readonly #builtIn: ReadonlyMap<Providable, { scope: Provider["scope"]; resolve: Resolve<Run> }>;
  readonly #providers = new Map<Providable, Provider>();
  readonly #plans = new Map<Provider, Plan<Run>>();
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
      this.#refuseCycle(provider);
      for (const each of this.#providers.values()) this.#refuseCaptive(each);
    } catch (error) {
      this.#providers.delete(token);
      throw error;
    }
    // What was optional and missing is provided now.
    this.#plans.clear();
  }

  /**
   * Works out how to make each argument, and what that takes in turn.
   *
   * @throws {MissingProviderError} naming the way from `neededBy` to what nobody provides.
   */
  plan(inject: readonly Injectable[], neededBy: string): Plan<Run> {
    return inject.map((injectable) => {
      const { token, required } = unwrap(injectable);
      const builtIn = this.#builtIn.get(token);
      if (builtIn !== undefined) return builtIn.resolve;
      const provider = this.#providers.get(token);
      if (provider !== undefined) {
        const plan = this.#planOf(provider, `${neededBy} needs "${token.name}", whose provider`);
        return (run) => this.#resolve(provider, plan, run);
      }
      if (!required) return undefined;
      throw new MissingProviderError(token.name, neededBy);
    });
  }

  /** Disposes the singletons, in reverse order of creation. */
  async dispose(): Promise<void> {
    await this.#disposables.disposeAsync();
  }

  #planOf(provider: Provider, neededBy: string): Plan<Run> {
    let plan = this.#plans.get(provider);
    if (plan === undefined) {
      plan = this.plan(provider.inject, neededBy);
      this.#plans.set(provider, plan);
    }
    return plan;
  }

  async #resolve(provider: Provider, plan: Plan<Run>, run: Run): Promise<unknown> {
    if (provider.scope === "singleton") return await this.#singleton(provider, plan, run);
    if (run.values.has(provider)) return run.values.get(provider);
    const injected = await this.#inject(plan, run);
    run.throwIfInterrupted();
    const value = await provider.create(...injected);
    run.values.set(provider, value);
    // What a factory hands on belongs to where it has it from.
    if (!injected.includes(value)) await keep(run.disposables, value);
    return value;
  }

  /** The one value of a singleton. It belongs to all runs: that one is interrupted doesn't end its making. */
  #singleton(provider: Provider, plan: Plan<Run>, run: Run): Promise<unknown> {
    let value = this.#singletons.get(provider);
    if (value === undefined) {
      value = this.#createSingleton(provider, plan, run).catch((error: unknown) => {
        // The next run tries again.
        this.#singletons.delete(provider);
        throw error;
      });
      this.#singletons.set(provider, value);
    }
    return value;
  }

  async #createSingleton(provider: Provider, plan: Plan<Run>, run: Run): Promise<unknown> {
    const injected = await this.#inject(plan, run);
    const value = await provider.create(...injected);
    if (!provider.isLent && !injected.includes(value)) await keep(this.#disposables, value);
    return value;
  }

  async #inject(plan: Plan<Run>, run: Run): Promise<unknown[]> {
    const injected: unknown[] = [];
    for (const resolve of plan) injected.push(await resolve?.(run));
    return injected;
  }

  /** Follows what a new provider needs, to the ends: there was no cycle without it. */
  #refuseCycle(added: Provider): void {
    const visited = new Set<Provider>();
    const visit = (provider: Provider, chain: readonly Provider[]): void => {
      for (const injectable of provider.inject) {
        const needed = this.#providers.get(unwrap(injectable).token);
        if (needed === added) {
          const names = [...chain, provider, added].map(({ token }) => token.name);
          throw new InvalidProviderError(
            added.token.name,
            `it needs itself: ${names.join(" -> ")}`,
          );
        }
        if (needed === undefined || visited.has(needed)) continue;
        visited.add(needed);
        visit(needed, [...chain, provider]);
      }
    };
    visit(added, []);
  }

  /** Refuses a singleton that would keep a value of the one run that first asked for it. */
  #refuseCaptive({ token, inject, scope }: Provider): void {
    if (scope !== "singleton") return;
    for (const injectable of inject) {
      const { token: needed } = unwrap(injectable);
      const provided = this.#providers.get(needed) ?? this.#builtIn.get(needed);
      if (provided?.scope !== "execution") continue;
      throw new InvalidProviderError(
        token.name,
        `it is a singleton and needs "${needed.name}", which lives as long as one run; give it scope: "execution"`,
      );
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
