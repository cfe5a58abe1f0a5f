/** Stands for the type of what a token injects; it exists in types alone. */
declare const injected: unique symbol;

/** A class as a token: what is injected is an instance of it. */
export interface ClassToken<out T> {
  readonly prototype: T;
  readonly name: string;
}

/** A token for what has no class, made by {@linkcode token}. */
export interface Token<out T> {
  readonly name: string;
  readonly [injected]?: () => T;
}

/** What a provider provides. */
export type Providable<T = unknown> = ClassToken<T> | Token<T>;

/** A token that injects `undefined` where nobody provides it, made by {@linkcode optional}. */
export interface OptionalToken<out T> {
  readonly optional: Providable<T>;
}

/** What may stand in `inject`. */
export type Injectable = Providable | OptionalToken<unknown>;

/** The type of the argument that a token injects. */
export type Injected<I> =
  I extends OptionalToken<infer T>
    ? T | undefined
    : I extends ClassToken<infer T>
      ? T
      : I extends Token<infer T>
        ? T
        : never;

/** The types of the arguments that `inject` injects, in its order. */
export type InjectedAll<I extends readonly Injectable[]> = {
  -readonly [K in keyof I]: Injected<I[K]>;
};

/**
 * A token for an interface, a function or a plain value.
 *
 * Each call makes another token; `name` is for messages.
 *
 * @example
 * ```ts
 * interface Mailer {
 *   send(to: string, text: string): Promise<void>;
 * }
 * const Mailer = token<Mailer>("Mailer");
 * ```
 */
export function token<T>(name: string): Token<T> {
  return Object.freeze({ name });
}

/**
 * Injects `undefined` instead of failing where nobody provides `token`.
 *
 * @example
 * ```ts
 * registry.register("notify", {
 *   inject: [optional(Mailer)],
 *   run: (_params, mailer) => ({ mailed: mailer !== undefined }),
 * });
 * ```
 */
export function optional<T>(token: Providable<T>): OptionalToken<T> {
  return Object.freeze({ optional: token });
}

/** The token itself, and whether it may be missing. */
export function unwrap(injectable: Injectable): { token: Providable; required: boolean } {
  return isOptional(injectable)
    ? { token: injectable.optional, required: false }
    : { token: injectable, required: true };
}

/** What is said to callers without types whose `inject` can't be used. */
export const NO_TOKENS =
  "inject is no array of tokens (a class, token() or optional()); one that is undefined is often an import cycle";

/** Whether a value can stand in `inject`, for callers without types. */
export function isInjectable(value: unknown): value is Injectable {
  if (isProvidable(value)) return true;
  return typeof value === "object" && value !== null && "optional" in value
    ? isProvidable(value.optional)
    : false;
}

/** Whether a value can be provided, for callers without types. */
export function isProvidable(value: unknown): value is Providable {
  if (typeof value === "function") return true;
  return typeof value === "object" && value !== null && "name" in value
    ? typeof value.name === "string"
    : false;
}

// A class may well have a static member of this name.
function isOptional(injectable: Injectable): injectable is OptionalToken<unknown> {
  return typeof injectable === "object" && "optional" in injectable;
}
