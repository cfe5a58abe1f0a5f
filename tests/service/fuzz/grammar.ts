import type { Json } from "./values.ts";

/** What some routes take; what fits no pattern is sent all of it by turns. */
export interface Shape {
  /** The patterns of these routes. */
  readonly of: RegExp;
  /** Sent as JSON. */
  readonly body: Readonly<Record<string, Json>>;
  /** The keys of which a request has none, or all by chance. */
  readonly required: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

const FILTER = {
  status_filter: "failed",
  task: "typed",
  tag: "a",
  since: "1970-01-01",
  until: "2100-01-01T00:00:00+02:00",
  before: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
};

export const SHAPES: readonly Shape[] = [
  {
    of: /\$execute$/,
    body: { params: { name: "Ada", n: 3, tags: ["a"], nested: { at: "2026-01-01" } } },
    required: ["params"],
    query: { a: "b" },
  },
  {
    of: /\$submit$/,
    body: {
      params: { name: "Ada" },
      retries: 1,
      retry_delay: 0.01,
      delay: 0.01,
      run_at: "2026-01-01T00:00:00Z",
      timeout: 1,
      priority: 5,
      tags: ["a", "b"],
      description: "fuzzed",
      idempotency_key: "key",
      concurrency_key: "one",
    },
    required: ["params"],
    query: { a: "b" },
  },
  { of: /\/jobs/, body: FILTER, required: [], query: { ...FILTER, size: "10", after: "1" } },
  {
    of: /\/artifacts/,
    body: {
      data: { text: "x", list: [1, 2.5, null], big: "9".repeat(30) },
      metadata: { source: "fuzz" },
      filename: "fuzz.json",
      tags: ["a"],
      parent_id: "{id}",
    },
    required: ["data"],
    query: {
      tag: "a",
      parent_id: "{id}",
      level: "0",
      page: "1",
      size: "5",
      before: "{id}",
      recursive: "true",
      filename: "a b.bin",
      metadata: '{"a":1}',
    },
  },
  { of: /\/tasks/, body: {}, required: [], query: { tag: "a" } },
];

const FORM = [
  '--x\r\nContent-Disposition: form-data; name="tags"\r\n\r\na',
  '--x\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{"a":[1]}',
  '--x\r\nContent-Disposition: form-data; name="parent_id"\r\n\r\n01J00000000000000000000000',
  '--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: text/plain\r\n\r\nhello',
  "--x\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''%e2%82%ac\r\n\r\n\u0000\u0001",
  "--x\r\n\r\nno disposition",
  "--x\r\nContent-Disposition: form-data\r\nContent-Type: ;\r\n\r\n",
];

/** What bodies are sent as but JSON. */
export const OTHER_TYPES = [
  "application/octet-stream",
  "text/plain; charset=utf-8",
  "image/png",
  "application/json-seq",
] as const;

/** The type of {@linkcode formText}. */
export const FORM_TYPE = "multipart/form-data; boundary=x";

/** A form of the fields that `chosen` says, which begin at 0. */
export function formText(chosen: readonly number[]): string {
  const parts = chosen.map((index) => FORM[index % FORM.length]);
  return `${[...parts, "--x--"].join("\r\n")}\r\n`;
}
