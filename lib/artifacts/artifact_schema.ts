const ID = { type: "string", pattern: "^[0-7][0-9A-HJKMNP-TV-Z]{25}$", description: "A ULID" };
const TIME = { type: "string", format: "date-time", description: "ISO 8601, in UTC" };
const METADATA = { type: ["object", "null"], description: "Any JSON object" };
const TAGS = {
  type: "array",
  items: { type: "string", pattern: "^[a-zA-Z0-9_-]{1,100}$" },
  maxItems: 50,
  uniqueItems: true,
};
const FILENAME = { type: ["string", "null"], maxLength: 255 };
const PARENT = { ...ID, type: ["string", "null"], description: "A ULID; null at a root" };

/**
 * The JSON Schema of an artifact as it goes over HTTP, and of one that is sent as JSON in `$defs`.
 *
 * @see https://json-schema.org/draft/2020-12
 */
export const ARTIFACT_SCHEMA: Readonly<Record<string, unknown>> = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Artifact",
  type: "object",
  properties: {
    id: ID,
    data: { description: "Any JSON; null where there are bytes" },
    metadata: METADATA,
    content_type: { type: ["string", "null"], description: "Of bytes" },
    size: { type: ["integer", "null"], minimum: 0, description: "Bytes" },
    sha256: { type: ["string", "null"], pattern: "^[0-9a-f]{64}$", description: "Of bytes" },
    filename: FILENAME,
    parent_id: PARENT,
    level: { type: "integer", minimum: 0, description: "Its depth: 0 at a root" },
    tags: TAGS,
    created_at: TIME,
    updated_at: TIME,
  },
  required: [
    "id",
    "data",
    "metadata",
    "content_type",
    "size",
    "sha256",
    "filename",
    "parent_id",
    "level",
    "tags",
    "created_at",
    "updated_at",
  ],
  additionalProperties: false,
  $defs: {
    new_artifact: {
      title: "NewArtifact",
      type: "object",
      properties: {
        id: ID,
        data: { description: "Any JSON" },
        metadata: METADATA,
        filename: FILENAME,
        parent_id: PARENT,
        tags: TAGS,
      },
      additionalProperties: false,
    },
  },
};
