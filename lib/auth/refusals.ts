import { CHALLENGE, HttpProblem } from "../http/mod.ts";

/**
 * 401 where nothing was sent that says who asks.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3
 */
export function refuseNobody(): HttpProblem {
  return new HttpProblem(401, "unauthenticated", {
    detail:
      "This takes a key, in the header X-API-Key or as Authorization: Bearer, never in the query",
    headers: { "www-authenticate": CHALLENGE },
  });
}

/** 401 for what is no key here, whatever the reason. */
export function refuseUnknown(detail: string): HttpProblem {
  return new HttpProblem(401, "unauthenticated", {
    detail,
    headers: { "www-authenticate": `${CHALLENGE}, error="invalid_token"` },
  });
}

/** 503 where it can't be told now whether a key is one. */
export function refuseForNow(detail: string, cause: unknown): HttpProblem {
  return new HttpProblem(503, "unavailable", { detail, cause, headers: { "retry-after": "5" } });
}
