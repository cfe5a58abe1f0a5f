/** A TypeScript type as text, with what is needed to combine it with others. */
export interface TypeExpression {
  /** The members of a union, in order; a type that is no union has one, and `never` none. */
  readonly members: readonly string[];
  /** Whether the only member is an intersection, which needs parentheses beside others. */
  readonly intersection: boolean;
}

/** The type that holds nothing. */
export const NEVER: TypeExpression = { members: [], intersection: false };

/** The type that holds anything. */
export const UNKNOWN: TypeExpression = { members: ["unknown"], intersection: false };

/** A type that needs no parentheses anywhere: a name, a literal, an object, an array. */
export function single(text: string): TypeExpression {
  return { members: [text], intersection: false };
}

/** Writes a type. */
export function write(type: TypeExpression): string {
  return type.members.length === 0 ? "never" : type.members.join(" | ");
}

/** A union: without repetition, `null` and `undefined` last, `unknown` where one of them is. */
export function unionOf(types: readonly TypeExpression[]): TypeExpression {
  const [only] = types;
  if (types.length === 1 && only !== undefined) return only;
  const members = new Set(
    types.flatMap((type) => (type.intersection ? [`(${write(type)})`] : type.members)),
  );
  if (members.has("unknown")) return UNKNOWN;
  if (members.has("true") && members.has("false")) members.add("boolean");
  if (members.has("boolean")) {
    members.delete("true");
    members.delete("false");
  }
  for (const last of ["null", "undefined"]) {
    if (members.delete(last)) members.add(last);
  }
  return { members: [...members], intersection: false };
}

/** An intersection: without repetition and without `unknown`, `never` where one of them is. */
export function intersectionOf(types: readonly TypeExpression[]): TypeExpression {
  const distinct = new Map(types.map((type) => [write(type), type]));
  if (distinct.has("never")) return NEVER;
  distinct.delete("unknown");
  const [only] = distinct.values();
  if (only === undefined) return UNKNOWN;
  if (distinct.size === 1) return only;
  const text = [...distinct.values()]
    .map((type) => (type.members.length > 1 ? `(${write(type)})` : write(type)))
    .join(" & ");
  return { members: [text], intersection: true };
}

/** An array of a type. */
export function arrayOf(type: TypeExpression): TypeExpression {
  return single(`${grouped(type)}[]`);
}

/** An optional element of a tuple. */
export function optionalOf(type: TypeExpression): string {
  return `${grouped(type)}?`;
}

function grouped(type: TypeExpression): string {
  return type.intersection || type.members.length > 1 ? `(${write(type)})` : write(type);
}
