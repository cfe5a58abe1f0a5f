/** More causes than this tell a reader nothing. */
const MOST_CAUSES = 20;

/** `instanceof` for whatever was thrown: of a revoked proxy it throws. */
export function isInstance<T>(
  value: unknown,
  type: abstract new (...args: never[]) => T,
): value is T {
  try {
    return value instanceof type;
  } catch {
    // What can't be looked at is nothing that is known here.
    return false;
  }
}

/** The name of an error; `Error` for whatever else was thrown. */
export function nameOf(thrown: unknown): string {
  return read(thrown, "name") ?? "Error";
}

/** The message of an error, or whatever else was thrown as text. */
export function messageOf(thrown: unknown): string {
  return read(thrown, "message") ?? textOf(thrown);
}

/** The stack of an error, with those of its causes; null for whatever else was thrown. */
export function tracebackOf(error: unknown): string | null {
  const stacks: string[] = [];
  const seen = new Set<unknown>();
  for (let at = error; isInstance(at, Error) && !seen.has(at); at = causeOf(at)) {
    // A getter may make new causes without end.
    if (seen.size === MOST_CAUSES) break;
    seen.add(at);
    stacks.push(read(at, "stack") ?? textOf(at));
  }
  return stacks.length === 0 ? null : stacks.join("\nCaused by: ");
}

export function causeOf(error: Error): unknown {
  try {
    return error.cause;
  } catch {
    // A getter that throws has nothing to tell.
    return undefined;
  }
}

/** A property as text, from an object that may be hostile. */
function read(value: unknown, key: "name" | "message" | "stack"): string | undefined {
  try {
    if (!isInstance(value, Error)) return undefined;
    const text: unknown = value[key];
    return typeof text === "string" ? text : undefined;
  } catch {
    // A getter that throws has nothing to tell.
    return undefined;
  }
}

/** Any value as text, objects as JSON. */
export function textOf(value: unknown): string {
  try {
    return typeof value === "object" && value !== null
      ? (JSON.stringify(value) ?? "")
      : String(value);
  } catch {
    return "something was thrown that can't be described";
  }
}
