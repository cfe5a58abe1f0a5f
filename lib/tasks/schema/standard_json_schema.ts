import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { elementsOf, isObject } from "./json_schema_node.ts";
import { markNativeType, toClassName, toNativeLiteral } from "./native_type.ts";

/** A Standard Schema that can also say its JSON Schema: zod since 4.2, arktype since 2.1.28. */
export function offersJsonSchema(
  schema: StandardSchemaV1,
): schema is StandardSchemaV1 & StandardJSONSchemaV1 {
  const standard = schema["~standard"];
  if (!("jsonSchema" in standard) || !isObject(standard.jsonSchema)) return false;
  const { input, output } = standard.jsonSchema;
  return typeof input === "function" && typeof output === "function";
}

/**
 * Asks a schema's own library for its JSON Schema, as lenient as the library can be, with
 * {@linkcode NATIVE_TYPE} marks where JSON Schema can't say the type.
 *
 * @throws What the library throws for what it can't convert.
 * @see https://standardschema.dev/json-schema
 */
export function askForJsonSchema(
  schema: StandardJSONSchemaV1,
  direction: "input" | "output",
): unknown {
  const { jsonSchema, vendor } = schema["~standard"];
  if (vendor === "arktype" && direction === "input") {
    // Its Standard JSON Schema leaves defaults out of the input; its own method has them.
    const convert: unknown = Reflect.get(schema, "toJsonSchema");
    if (typeof convert === "function") return convert.call(schema, { target, ...ARKTYPE_OPTIONS });
  }
  const libraryOptions = LIBRARY_OPTIONS.get(vendor);
  return jsonSchema[direction]({
    target,
    ...(libraryOptions === undefined ? {} : { libraryOptions }),
  });
}

const target = "draft-2020-12";

/** What zod passes to `override` for each schema, as far as it is used here. */
interface ZodOverrideContext {
  readonly zodSchema: { readonly _zod: { readonly def: Readonly<Record<string, unknown>> } };
  readonly jsonSchema: Record<string, unknown>;
}

const ZOD_NATIVE_TYPES: ReadonlyMap<unknown, string> = new Map([
  ["bigint", "bigint"],
  ["date", "Date"],
  ["file", "File"],
  ["function", "Function"],
  ["map", "Map<unknown, unknown>"],
  ["nan", "number"],
  ["set", "Set<unknown>"],
  ["symbol", "symbol"],
  ["undefined", "undefined"],
  ["void", "undefined"],
]);

function overrideZod({ zodSchema, jsonSchema }: ZodOverrideContext): void {
  const { def } = zodSchema._zod;
  const nativeType = ZOD_NATIVE_TYPES.get(def["type"]);
  if (nativeType !== undefined) markNativeType(jsonSchema, nativeType);
  const literals = def["type"] === "literal" ? elementsOf(def["values"]) : [];
  if (literals.some((value) => typeof value === "bigint")) {
    // zod writes 5n as 5, which it then wouldn't accept.
    for (const keyword of ["const", "enum", "type"]) delete jsonSchema[keyword];
    markNativeType(jsonSchema, literals.map(toNativeLiteral).join(" | "));
  }
}

/** What arktype passes to a `fallback`, as far as it is used here. */
interface ArktypeFallbackContext {
  readonly base: Readonly<Record<string, unknown>>;
  readonly domain?: string;
  readonly proto?: unknown;
  readonly unit?: unknown;
  readonly value?: unknown;
}

const ARKTYPE_FALLBACK = {
  arrayPostfix: ({ base }: ArktypeFallbackContext): object => {
    // What it says of the elements doesn't hold for those at the end.
    const { items: _, ...rest } = base;
    return rest;
  },
  date: ({ base }: ArktypeFallbackContext): object => markNativeType({ ...base }, "Date"),
  domain: ({ base, domain = "unknown" }: ArktypeFallbackContext): object =>
    markNativeType({ ...base }, domain),
  proto: ({ base, proto }: ArktypeFallbackContext): object =>
    markNativeType({ ...base }, toClassName(proto)),
  unit: ({ base, unit }: ArktypeFallbackContext): object =>
    markNativeType({ ...base }, toNativeLiteral(unit)),
  defaultValue: ({ value }: ArktypeFallbackContext): unknown => value,
  default: ({ base }: ArktypeFallbackContext): object => base,
};

const ARKTYPE_OPTIONS = { fallback: ARKTYPE_FALLBACK };

const LIBRARY_OPTIONS = new Map<string, Record<string, unknown>>([
  ["arktype", ARKTYPE_OPTIONS],
  ["zod", { unrepresentable: "any", override: overrideZod }],
]);
