import type { RouteHandler, RouteRequest } from "./router.ts";

/** A route's handler, before its errors are problems. */
export type FailingHandler = (request: RouteRequest) => Promise<Response>;

/** Throws what `toProblem` makes of a handler's errors; what it doesn't know it gives back. */
export function withProblems(
  toProblem: (error: unknown) => unknown,
  handler: FailingHandler,
): RouteHandler {
  return (request) =>
    handler(request).catch((error: unknown) => {
      throw toProblem(error);
    });
}
