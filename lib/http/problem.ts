import { STATUS_TEXT } from "@std/http/status";

/** The statuses that a problem may have. */
export type ProblemStatus =
  | 400
  | 401
  | 403
  | 404
  | 405
  | 408
  | 409
  | 413
  | 415
  | 416
  | 422
  | 500
  | 503;

/** One thing that is wrong with a request's body or query. */
export interface ProblemIssue {
  /** Where it is, from the outside in: `["params", "items", 0]`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface ProblemOptions {
  /** What went wrong this time, for the person who sent the request. */
  detail: string;
  /** @default {{}} */
  headers?: Readonly<Record<string, string>>;
  issues?: readonly ProblemIssue[];
  cause?: unknown;
}

/**
 * A request that can't be answered; thrown by a handler, turned into an
 * RFC 9457 problem document by the router.
 *
 * `code` ends the document's `type`, which is `urn:taskmount:error:{code}`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export class HttpProblem extends Error {
  override readonly name = "HttpProblem";
  readonly status: ProblemStatus;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly issues: readonly ProblemIssue[] | undefined;

  constructor(
    status: ProblemStatus,
    code: string,
    { detail, headers = {}, issues, cause }: ProblemOptions,
  ) {
    super(detail, { cause });
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.issues = issues;
  }

  /** `instance` is the path of the request. */
  toResponse(instance: string): Response {
    const document = {
      type: `urn:taskmount:error:${this.code}`,
      title: STATUS_TEXT[this.status],
      status: this.status,
      detail: this.message,
      instance,
      ...(this.issues === undefined ? {} : { issues: this.issues }),
    };
    return new Response(JSON.stringify(document), {
      status: this.status,
      headers: { ...this.headers, "content-type": "application/problem+json" },
    });
  }
}
