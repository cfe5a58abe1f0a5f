import {
  allows,
  eventStream,
  Heartbeats,
  type RouteRequest,
  type Router,
  sendEvents,
} from "../http/mod.ts";
import { ServiceStoppedError } from "./errors.ts";
import type { HealthChecks, HealthReport } from "./health.ts";

/** Seconds between two signs of life of a stream, fewer than after which Bun and proxies close it. */
const HEARTBEAT = 5;
/** What a key must be allowed to for more than the status. */
const SCOPE = "system:read";

/**
 * Adds what tells how the service is, also while it starts and stops:
 *
 * - `GET /health`: `{ status, checks }`, 503 where something is unhealthy;
 * - `GET /health/live`: 200 as long as the process answers, whatever it depends on;
 * - `GET /health/ready`: as `/health`, for who decides whether to send requests here;
 * - `GET /health/$stream`: Server-Sent Events of what `/health` says, whenever it changes.
 *
 * Where keys are asked for, the first three tell the status alone to those without `system:read`.
 */
export function addHealthRoutes(router: Router, checks: HealthChecks): void {
  const heartbeats = new Heartbeats(HEARTBEAT);
  const report = async ({ principal }: RouteRequest) => {
    const isTold = router.isGuarded ? principal !== null && allows(principal, SCOPE) : true;
    return answer(await checks.report(), isTold);
  };
  const probe = { always: true, open: true, scope: SCOPE };
  router.add("GET", "/health", report, probe);
  router.add("GET", "/health/live", () => send({ status: "healthy" }), probe);
  router.add("GET", "/health/ready", report, probe);
  const stream = (request: RouteRequest) => {
    const events = eventStream((signal) => checks.follow(signal), {
      toMessage: (report) => ({ data: JSON.stringify(report) }),
      isPassing: (error) => error instanceof ServiceStoppedError,
      heartbeats,
      quiet: false,
    });
    return sendEvents(events, request);
  };
  router.add("GET", "/health/$stream", stream, { scope: SCOPE });
}

function answer({ status, ...rest }: HealthReport, isTold: boolean): Response {
  const told = isTold ? { status, ...rest } : { status };
  return status === "unhealthy" ? send(told, 503, { "retry-after": "1" }) : send(told);
}

function send(body: object, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { ...headers, "cache-control": "no-store" } });
}
