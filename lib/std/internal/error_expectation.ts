/** A class of errors; its constructor may take anything. */
export type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;

/** What a call of `assertThrows()` or `assertRejects()` asks of the error. */
export interface ErrorExpectation<E extends Error> {
  /** The class of the error; with none, whatever is thrown will do. */
  errorClass: ErrorClass<E> | undefined;
  /** Text that the error's message must include. */
  msgIncludes: string | undefined;
  /** The caller's own words for the failure. */
  msg: string | undefined;
}

/** Tells apart the two forms of a call: `(fn, msg)` and `(fn, errorClass, msgIncludes, msg)`. */
export function errorExpectation<E extends Error>(
  errorClassOrMsg: ErrorClass<E> | string | undefined,
  msgIncludesOrMsg: string | undefined,
  msg: string | undefined,
): ErrorExpectation<E> {
  if (typeof errorClassOrMsg === "string") {
    return { errorClass: undefined, msgIncludes: undefined, msg: errorClassOrMsg };
  }
  if (errorClassOrMsg === undefined || isErrorClass(errorClassOrMsg)) {
    return { errorClass: errorClassOrMsg, msgIncludes: msgIncludesOrMsg, msg };
  }
  // Plain JavaScript passes null or another class: there is no message of an error to check then.
  return { errorClass: undefined, msgIncludes: undefined, msg: msgIncludesOrMsg };
}

function isErrorClass(value: object | null): boolean {
  const prototype: unknown = value === null ? null : Reflect.get(value, "prototype");
  return prototype === Error.prototype || prototype instanceof Error;
}
