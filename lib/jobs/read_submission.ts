import * as v from "valibot";
import { HttpProblem, isRequestServer, readJson } from "../http/mod.ts";
import { isObject, type SubmitRequest, validate } from "../tasks/mod.ts";
import { SUBMIT_ENTRIES, type SubmitOptions } from "./options.ts";
import { Time } from "./time.ts";

const { idempotencyKey, concurrencyKey, ...entries } = SUBMIT_ENTRIES;

const Body = v.pipe(
  v.strictObject({
    ...entries,
    params: v.optional(v.nullable(v.custom<object>(isObject, "Expected an object"))),
    run_at: v.optional(Time),
    idempotency_key: idempotencyKey,
    concurrency_key: concurrencyKey,
  }),
  v.check(
    ({ delay, run_at }) => delay === undefined || run_at === undefined,
    "Expected either delay or run_at, not both",
  ),
);

/**
 * What the body and headers of a `$submit` ask for.
 *
 * @throws {HttpProblem} for a body that is not the right shape.
 */
export async function readSubmission({
  request,
  server,
  maxBody,
  bodyTimeout,
}: SubmitRequest): Promise<{ params: object; options: SubmitOptions }> {
  const body = await readJson(request, {
    maxBody,
    framed: isRequestServer(server),
    timeout: bodyTimeout,
  });
  const sent = body ?? {};
  if (!isObject(sent)) throw invalid([{ path: [], message: "Expected an object" }]);
  const key = request.headers.get("idempotency-key");
  const parsed = validate(Body, key === null ? sent : { idempotency_key: key, ...sent });
  if (parsed.issues !== undefined) throw invalid(parsed.issues);
  const { params, run_at, idempotency_key, concurrency_key, ...options } = parsed.value;
  if (key !== null && idempotency_key !== key) {
    const message = "Expected the same key as in the header Idempotency-Key";
    throw invalid([{ path: ["idempotency_key"], message }]);
  }
  return {
    params: params ?? {},
    options: {
      ...options,
      runAt: run_at,
      idempotencyKey: idempotency_key,
      concurrencyKey: concurrency_key,
    },
  };
}

function invalid(issues: readonly { path: (string | number)[]; message: string }[]): HttpProblem {
  return new HttpProblem(422, "invalid-request", {
    detail: 'The body must be {"params": {...}} with the options of a job beside it, {} or empty',
    issues,
  });
}
