import { isObject, type JsonSchema } from "./json_schema_node.ts";

/**
 * Follows a `$ref` within its own document, such as `#`, `#/$defs/User` or `#/properties/a`.
 *
 * @returns The schema there, or undefined where it leads nowhere or outside the document.
 * @see https://www.rfc-editor.org/rfc/rfc6901 (JSON Pointer)
 */
export function resolveReference(root: JsonSchema, reference: string): unknown {
  let target: unknown = root;
  for (const segment of segmentsOf(reference) ?? [undefined]) {
    if (segment === undefined || typeof target !== "object" || target === null) return undefined;
    target = Object.hasOwn(target, segment) ? Reflect.get(target, segment) : undefined;
  }
  return isObject(target) || typeof target === "boolean" ? target : undefined;
}

/** The last part of a reference (`User` of `#/$defs/User`), or the empty string for the root. */
export function nameOfReference(reference: string): string {
  return segmentsOf(reference)?.at(-1) ?? "";
}

function segmentsOf(reference: string): string[] | undefined {
  if (reference === "#" || reference === "#/") return [];
  if (!reference.startsWith("#/")) return undefined;
  return reference
    .slice(2)
    .split("/")
    .map((segment) => decode(segment).replaceAll("~1", "/").replaceAll("~0", "~"));
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Libraries write a name with `%` in it as it is, so this one was never encoded.
    return segment;
  }
}
