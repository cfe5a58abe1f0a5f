import { type ProviderScope, type Token, token } from "../../lib/tasks/mod.ts";
import { TestExecutor } from "./test_executor.ts";

/** Provides values that write down when they are made and disposed. */
export class TrackedExecutor extends TestExecutor {
  readonly events: string[] = [];

  provide(
    name: string,
    options: { scope?: ProviderScope; inject?: readonly Token<unknown>[]; failure?: Error } = {},
  ): Token<AsyncDisposable> {
    const { scope = "execution", inject = [], failure } = options;
    const Value = token<AsyncDisposable>(name);
    this.executor.provide(Value, {
      scope,
      inject,
      create: () => {
        this.events.push(`make ${name}`);
        return {
          [Symbol.asyncDispose]: async () => {
            this.events.push(`dispose ${name}`);
            await Promise.resolve();
            if (failure !== undefined) throw failure;
          },
        };
      },
    });
    return Value;
  }
}
