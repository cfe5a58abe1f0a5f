import type { Principal } from "./principal.ts";
import { HttpProblem } from "./problem.ts";
import type { PublicPaths } from "./public_paths.ts";

/** Stands before every route of a router, and before that it tells what routes there are. */
export interface Guard {
  /** What answers without a key too. */
  readonly publicPaths: PublicPaths;
  /**
   * Who sent a request; a promise only where that takes one.
   *
   * @throws {HttpProblem} 401 where nobody known did, 429 where that is asked too often, 503 where it
   * can't be told now.
   */
  identify(request: Request): Principal | Promise<Principal>;
}

/**
 * Who sent a request to what is there for everybody. A key that is none, or that can't be looked at
 * now, is as good there as no key.
 */
export function recognise(
  guard: Guard,
  request: Request,
): Principal | null | Promise<Principal | null> {
  try {
    const principal = guard.identify(request);
    return principal instanceof Promise ? principal.catch(nobody) : principal;
  } catch (error) {
    return nobody(error);
  }
}

function nobody(error: unknown): null {
  // Who asks too often is not to go on as nobody.
  if (error instanceof HttpProblem && error.status !== 429) return null;
  throw error;
}

/**
 * 403 for a key that is not for this.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
export function insufficientScope({ name }: Principal, scope: string): HttpProblem {
  // It may have a part of the path in it, with characters that a header can't hold.
  const named = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/.test(scope) ? `, scope="${scope}"` : "";
  return new HttpProblem(403, "insufficient-scope", {
    detail: `"${name}" may not do this: it takes the scope ${named === "" ? "of this path" : scope}`,
    headers: { "www-authenticate": `${CHALLENGE}, error="insufficient_scope"${named}` },
  });
}

/** What every refusal begins its `WWW-Authenticate` with; RFC 6750 wants a parameter behind the scheme. */
export const CHALLENGE = 'Bearer realm="taskmount"';
