import type { Readable } from "node:stream";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import { bodyStream } from "./body_stream.ts";
import { HttpProblem } from "./problem.ts";

/** The one file of a form. */
export interface FormFile {
  /** The name that the client gives it, without its folders; null where it gives none. */
  readonly filename: string | null;
  readonly contentType: string;
  /** Its bytes, which pass by: the rest of the form comes when they have been read. */
  readonly stream: ReadableStream<Uint8Array>;
}

export interface ReadFormOptions {
  /** Is given the file as it comes, and reads it to its end; what it throws ends the reading. */
  readonly takeFile: (file: FormFile) => Promise<void>;
  /** Bytes that all fields together may have. */
  readonly maxFields: number;
}

/** More than any form of ours has; the names cost memory, too. */
const MOST_FIELDS = 200;
/** Bytes of the headers of one part. */
const LARGEST_HEADERS = 16 * 1024;

/**
 * Reads a form that has a file among its fields, in any order, and keeps nothing of the file.
 * Resolves to the values of each field by its name.
 *
 * @throws {HttpProblem} 400 for a form that breaks off or is malformed, 413 for more than
 * `maxFields` bytes, 422 for a second file, or too many fields.
 * @throws What `takeFile` throws.
 * @see https://www.rfc-editor.org/rfc/rfc7578
 */
export async function readForm(
  request: Request,
  { takeFile, maxFields }: ReadFormOptions,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const form = openForm(request.headers.get("content-type") ?? "", maxFields);
  const fields = new Map<string, string[]>();
  const { promise: ended, resolve: end, reject: fail } = Promise.withResolvers<void>();
  let file: Readable | undefined;
  let taking: Promise<void> = Promise.resolve();
  let size = 0;
  form.on("field", (name: string | undefined, value, isNameCut, isValueCut) => {
    size += value.length;
    if (isNameCut || isValueCut || size > maxFields) return fail(tooLarge(maxFields));
    if (name === undefined) return fail(malformed("a field has no name"));
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
  });
  form.on("file", (_name, stream, filename: string | undefined, _encoding, contentType) => {
    file = stream;
    // Whoever reads it hears of its error; where nobody does it would end the process.
    stream.on("error", (cause) => fail(malformed(messageOf(cause), cause)));
    taking = takeFile({ filename: filename || null, contentType, stream: toWeb(stream) });
    taking.then(() => stream.resume(), fail);
  });
  form.on("filesLimit", () => fail(invalid("a second file, where one is expected")));
  form.on("fieldsLimit", () => fail(invalid(`more than ${MOST_FIELDS} fields`)));
  form.on("error", (cause) => fail(malformed(messageOf(cause), cause)));
  form.on("finish", end);
  const body = bodyStream(request).values();
  try {
    await Promise.race([pump(body, form), ended]);
    await ended;
    await taking;
    return fields;
  } catch (error) {
    // What takes it must not believe that this is its end.
    file?.destroy(error instanceof Error ? error : new Error(messageOf(error)));
    await taking.catch(() => {
      // It failed by this very error, or has caused it.
    });
    // Not awaited, since a client may be silent for long.
    body.return?.().catch(() => {
      // What broke off can't be canceled, and needn't be.
    });
    throw error;
  }
}

function openForm(contentType: string, maxFields: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { "content-type": contentType },
      limits: {
        fieldNameSize: 100,
        fieldSize: maxFields,
        fields: MOST_FIELDS,
        files: 1,
        headerSize: LARGEST_HEADERS,
      },
    });
  } catch (cause) {
    // There is no boundary.
    throw malformed(messageOf(cause), cause);
  }
}

/** Gives each piece to the parser when it has taken the one before. */
async function pump(body: AsyncIterator<Uint8Array>, form: BusboyInstance): Promise<void> {
  for (;;) {
    const { done, value } = await body.next();
    if (done) break;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    form.write(value, (cause) => (cause ? reject(malformed(messageOf(cause), cause)) : resolve()));
    await promise;
  }
  form.end();
}

/** Its bytes, none before they are asked for. */
function toWeb(file: Readable): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = file[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => {
        file.resume();
      },
    },
    { highWaterMark: 0 },
  );
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function malformed(reason: string, cause?: unknown): HttpProblem {
  return new HttpProblem(400, "malformed-form", {
    detail: `The body is no multipart/form-data: ${reason}`,
    cause,
  });
}

function invalid(what: string): HttpProblem {
  return new HttpProblem(422, "invalid-request", { detail: `The form has ${what}` });
}

function tooLarge(maxFields: number): HttpProblem {
  return new HttpProblem(413, "content-too-large", {
    detail: `The fields of the form are larger than ${maxFields} bytes, its file left out`,
  });
}
