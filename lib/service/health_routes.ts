import { eventStream, Heartbeats, type Router, sendEvents } from "../http/mod.ts";
import { ServiceStoppedError } from "./errors.ts";
import type { HealthChecks, HealthReport } from "./health.ts";

/** Seconds between two signs of life of a stream, fewer than after which Bun and proxies close it. */
const HEARTBEAT = 5;

/**
 * Adds what tells how the service is, also while it starts and stops:
 *
 * - `GET /health`: `{ status, checks }`, 503 where something is unhealthy;
 * - `GET /health/live`: 200 as long as the process answers, whatever it depends on;
 * - `GET /health/ready`: as `/health`, for who decides whether to send requests here;
 * - `GET /health/$stream`: Server-Sent Events of what `/health` says, whenever it changes.
 */
export function addHealthRoutes(router: Router, checks: HealthChecks): void {
  const heartbeats = new Heartbeats(HEARTBEAT);
  const report = async () => answer(await checks.report());
  router.add("GET", "/health", report, { always: true });
  router.add("GET", "/health/live", () => send({ status: "healthy" }), { always: true });
  router.add("GET", "/health/ready", report, { always: true });
  router.add("GET", "/health/$stream", (request) => {
    const events = eventStream((signal) => checks.follow(signal), {
      toMessage: (report) => ({ data: JSON.stringify(report) }),
      isPassing: (error) => error instanceof ServiceStoppedError,
      heartbeats,
      quiet: false,
    });
    return sendEvents(events, request);
  });
}

function answer(report: HealthReport): Response {
  return report.status === "unhealthy" ? send(report, 503, { "retry-after": "1" }) : send(report);
}

function send(body: object, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { ...headers, "cache-control": "no-store" } });
}
