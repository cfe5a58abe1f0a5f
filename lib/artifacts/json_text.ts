import { InvalidArtifactError } from "./errors.ts";

type Path = (string | number)[];

/** One level on the way down into a value. */
interface Frame {
  readonly value: object;
  readonly keys: readonly (string | number)[];
  next: number;
}

/**
 * A value as JSON text, or a refusal where the text would silently be something else than the
 * value, as `null` is for `NaN` and `{}` for a `Map`. A property that is undefined is left out, and
 * what has `toJSON()`, such as a `Date`, is what that says.
 *
 * @param field Which part of an artifact it is, for errors.
 * @throws {InvalidArtifactError}
 */
export function toJsonText(value: unknown, field: string): string {
  let text: string | undefined;
  let failure: unknown;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    failure = error;
  }
  const issue = firstIssue(value, { withCycles: failure !== undefined });
  if (issue !== undefined) throw refusal([field, ...issue.path], issue.message);
  if (text !== undefined) return text;
  if (failure instanceof RangeError) throw refusal([field], "Expected less nesting");
  throw refusal([field], failure instanceof Error ? failure.message : "Expected JSON");
}

function refusal(path: Path, message: string): InvalidArtifactError {
  return new InvalidArtifactError([{ path, message }]);
}

/** Walks without recursion: whatever can be written as text can be walked. */
function firstIssue(
  root: unknown,
  { withCycles }: { withCycles: boolean },
): { path: Path; message: string } | undefined {
  const frames: Frame[] = [];
  const within = new Set<object>();
  const path = (): Path => frames.map(({ keys, next }) => keys[next - 1] ?? "");
  const push = (value: object, keys: readonly (string | number)[]) => {
    frames.push({ value, keys, next: 0 });
    if (withCycles) within.add(value);
  };
  /** What is wrong with a value, unless it is to be walked through. */
  const enter = (value: unknown, key: string): string | undefined => {
    const json = hasToJson(value) && !withCycles ? value.toJSON(key) : value;
    // A Date that is none is null in JSON.
    if (json === null && value instanceof Date) return "Expected a valid date";
    if (typeof json !== "object" || json === null) return scalarIssue(json);
    if (Array.isArray(json)) {
      if (within.has(json)) return CYCLE;
      push(json, range(json.length));
      return undefined;
    }
    if (hasToJson(json)) return undefined;
    if (!isPlain(json)) return `Expected JSON, not a ${nameOf(json)}`;
    if (within.has(json)) return CYCLE;
    push(json, Object.keys(json));
    return undefined;
  };
  const message = root === undefined ? undefined : enter(root, "");
  if (message !== undefined) return { path: [], message };
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const key = frame.keys[frame.next];
    if (key === undefined) {
      frames.pop();
      within.delete(frame.value);
      continue;
    }
    frame.next += 1;
    const value: unknown = Reflect.get(frame.value, key);
    if (value === undefined && typeof key === "string") continue;
    const issue = enter(value, String(key));
    if (issue !== undefined) return { path: path(), message: issue };
  }
  return undefined;
}

const CYCLE = "Expected JSON, not an object that contains itself";

function scalarIssue(value: unknown): string | undefined {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? undefined : `Expected a number that JSON has, not ${value}`;
    case "bigint":
    case "function":
    case "symbol":
    case "undefined":
      return `Expected JSON, not a ${typeof value}`.replace("a undefined", "undefined");
    default:
      return undefined;
  }
}

function hasToJson(value: unknown): value is { toJSON(key: string): unknown } {
  return (
    typeof value === "object" &&
    value !== null &&
    "toJSON" in value &&
    typeof value.toJSON === "function"
  );
}

/** Whether all that an object holds is in its properties, as those of a user's own class. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return /^\[object (Object|String|Number|Boolean)\]$/.test(Object.prototype.toString.call(value));
}

function nameOf(value: object): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
