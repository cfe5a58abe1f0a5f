import {
  type ConversionConfig,
  type JsonSchema as ConvertedSchema,
  type OverrideActionContext,
  type OverrideSchemaContext,
  toJsonSchema,
} from "@valibot/to-json-schema";
import * as v from "valibot";
import { isObject } from "./json_schema_node.ts";
import { markNativeType, toClassName, toNativeLiteral } from "./native_type.ts";

/** More schemas than this are refused: a schema that reuses another twice a level doubles with each. */
const MAX_SCHEMAS = 10_000;

/** What valibot can express and JSON Schema can't, as TypeScript types. */
const NATIVE_TYPES: ReadonlyMap<string, string> = new Map([
  ["bigint", "bigint"],
  ["blob", "Blob"],
  ["date", "Date"],
  ["file", "File"],
  ["function", "Function"],
  ["map", "Map<unknown, unknown>"],
  ["nan", "number"],
  ["promise", "Promise<unknown>"],
  ["set", "Set<unknown>"],
  ["symbol", "symbol"],
  ["undefined", "undefined"],
  ["void", "undefined"],
]);

/** Transformations whose result is known; one that is neither here nor below gives anything. */
const RESULTS: ReadonlyMap<string, () => ConvertedSchema> = new Map([
  ["map_items", (): ConvertedSchema => ({ type: "array" })],
  ["parse_boolean", (): ConvertedSchema => ({ type: "boolean" })],
  ["stringify_json", (): ConvertedSchema => ({ type: "string" })],
  ["to_bigint", (): ConvertedSchema => markNativeType({}, "bigint")],
  ["to_boolean", (): ConvertedSchema => ({ type: "boolean" })],
  ["to_date", (): ConvertedSchema => markNativeType({}, "Date")],
  ["to_number", (): ConvertedSchema => ({ type: "number" })],
  ["to_string", (): ConvertedSchema => ({ type: "string" })],
]);

/** Transformations whose result has the type of what went in. */
const KEEPS_TYPE =
  /^(brand|flavor|readonly|guard|filter_items|sort_items|normalize|trim.*|to_.*_case|to_(min|max)_value)$/;

/**
 * Whether a schema is valibot's, and so can be converted by valibot's own package. Asynchronous
 * schemas count too: their structure is read from the same fields.
 */
export function isValibotSchema(schema: unknown): schema is v.GenericSchema {
  return isObject(schema) && schema["kind"] === "schema" && typeof schema["type"] === "string";
}

/**
 * Converts a valibot schema to JSON Schema 2020-12, with {@linkcode NATIVE_TYPE} marks where that
 * can't say the type.
 *
 * Beyond valibot's own conversion it keeps a description that stands behind a transformation,
 * knows `v.nonOptional` and `v.required`, leaves out a `pattern` that lost its flags, and says of
 * a value's output which properties are always there.
 *
 * @param direction `input` for what is sent, `output` for what validation gives.
 * @throws What the schema's own functions throw (a default, a lazy getter), or a `RangeError` if it
 * is too large.
 */
export function convertValibotSchema(
  schema: v.GenericSchema,
  direction: "input" | "output",
): ConvertedSchema {
  return withDescription(new Conversion(direction).convert(schema), descriptionOf(schema));
}

class Conversion {
  readonly #direction: "input" | "output";
  readonly #open = new Set<unknown>();
  readonly #config: ConversionConfig;
  #count = 0;

  constructor(direction: "input" | "output") {
    this.#direction = direction;
    this.#config = {
      target: "draft-2020-12",
      typeMode: direction,
      errorMode: "ignore",
      overrideSchema: (context) => this.#overrideSchema(context),
      overrideAction: (context) => this.#overrideAction(context),
    };
  }

  convert(schema: v.GenericSchema): ConvertedSchema {
    return toJsonSchema(schema, this.#config);
  }

  #overrideSchema({ valibotSchema, jsonSchema }: OverrideSchemaContext): ConvertedSchema {
    if (++this.#count > MAX_SCHEMAS) {
      throw new RangeError(`Cannot convert a schema: it has more than ${MAX_SCHEMAS} subschemas`);
    }
    const nativeType = NATIVE_TYPES.get(valibotSchema.type);
    if (nativeType !== undefined) return markNativeType(jsonSchema, nativeType);
    switch (valibotSchema.type) {
      case "instance":
        return markNativeType(jsonSchema, toClassName(fieldOf(valibotSchema, "class")));
      case "literal":
        return "const" in jsonSchema
          ? jsonSchema
          : markNativeType(jsonSchema, toNativeLiteral(fieldOf(valibotSchema, "literal")));
      case "nullable":
      case "nullish":
        return this.#nullable(valibotSchema, jsonSchema);
      case "non_nullable":
      case "non_nullish":
      case "non_optional":
        return this.#required(valibotSchema, jsonSchema);
      case "loose_object":
      case "object":
      case "object_with_rest":
      case "strict_object":
        return this.#object(valibotSchema, jsonSchema);
      default:
        return jsonSchema;
    }
  }

  #overrideAction({ valibotAction, jsonSchema }: OverrideActionContext): ConvertedSchema {
    const { kind, type } = valibotAction;
    if (this.#direction === "output" && kind === "transformation" && !KEEPS_TYPE.test(type)) {
      return RESULTS.get(type)?.() ?? {};
    }
    const requirement = fieldOf(valibotAction, "requirement");
    if (requirement instanceof RegExp && /[ims]/.test(requirement.flags)) {
      // JSON Schema knows no flags, so this pattern would refuse what the schema accepts.
      const { pattern, ...rest } = jsonSchema;
      return pattern === requirement.source ? rest : jsonSchema;
    }
    return jsonSchema;
  }

  /** Validation replaces null by a default, so the output has no null. */
  #nullable(schema: object, jsonSchema: ConvertedSchema): ConvertedSchema {
    const inner = jsonSchema.anyOf?.[0];
    const replaced = (fieldOf(schema, "default") ?? null) !== null;
    return this.#direction === "output" && replaced && typeof inner === "object"
      ? inner
      : jsonSchema;
  }

  /** Converts `v.nonOptional(...)`, which valibot's package doesn't know. */
  #required(schema: object, jsonSchema: ConvertedSchema): ConvertedSchema {
    const wrapped = fieldOf(schema, "wrapped");
    if (!isValibotSchema(wrapped) || this.#open.has(wrapped)) return jsonSchema;
    this.#open.add(wrapped);
    const { $schema: _, default: __, ...inner } = this.convert(wrapped);
    this.#open.delete(wrapped);
    // Its definitions would have to move to the root, where they'd meet others of the same name.
    if (inner.$defs !== undefined) return jsonSchema;
    if (fieldOf(schema, "type") === "non_optional" || inner.anyOf === undefined) return inner;
    const options = inner.anyOf.filter((option) => !isObject(option) || option["type"] !== "null");
    const [only] = options;
    return options.length === 1 && isObject(only)
      ? { ...inner, anyOf: undefined, ...only }
      : { ...inner, anyOf: options };
  }

  #object(schema: object, jsonSchema: ConvertedSchema): ConvertedSchema {
    const entries = fieldOf(schema, "entries");
    const converted = jsonSchema.properties;
    if (!isObject(entries) || converted === undefined) return jsonSchema;
    const required = new Set(jsonSchema.required);
    const properties = Object.entries(entries).map(([name, entry]) => {
      if (this.#direction === "output" && fieldOf(entry, "default") !== undefined) {
        required.add(name);
      }
      if (fieldOf(entry, "fallback") !== undefined) {
        if (this.#direction === "output") required.add(name);
        else required.delete(name);
      }
      return [name, withDescription(propertyOf(converted, name), descriptionOf(entry))] as const;
    });
    return {
      ...jsonSchema,
      properties: Object.fromEntries(properties),
      required: [...required],
      ...(fieldOf(schema, "type") === "loose_object" ? { additionalProperties: {} } : {}),
    };
  }
}

/** A field of one of valibot's objects, whose types say little beyond `type`. */
function fieldOf(target: unknown, field: string): unknown {
  return isObject(target) ? target[field] : undefined;
}

function descriptionOf(schema: unknown): string | undefined {
  if (!isValibotSchema(schema)) return undefined;
  return v.getDescription(schema) ?? descriptionOf(fieldOf(schema, "wrapped"));
}

function withDescription(schema: ConvertedSchema, text: string | undefined): ConvertedSchema {
  return text === undefined || schema.description !== undefined
    ? schema
    : { ...schema, description: text };
}

function propertyOf(
  properties: NonNullable<ConvertedSchema["properties"]>,
  name: string,
): ConvertedSchema {
  // Assigned as a property, `__proto__` became the prototype of all the others.
  const property: unknown = Object.hasOwn(properties, name)
    ? properties[name]
    : Object.getPrototypeOf(properties);
  return isObject(property) ? property : {};
}
