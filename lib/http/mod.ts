export {
  type EventMessage,
  type EventStreamOptions,
  eventStream,
  sendEvents,
} from "./event_stream.ts";
export { CHALLENGE, type Guard } from "./guard.ts";
export { type Handler, isRequestServer, type RequestServer, waitLong } from "./handler.ts";
export { Heartbeats } from "./heartbeats.ts";
export { InFlight } from "./in_flight.ts";
export { type ReadJsonOptions, readJson } from "./json_body.ts";
export { isOrigin } from "./origin.ts";
export { pathOf, queryOf } from "./path.ts";
export { allows, type Principal } from "./principal.ts";
export { HttpProblem, type ProblemIssue, type ProblemOptions } from "./problem.ts";
export { PublicPaths } from "./public_paths.ts";
export {
  type MountOptions,
  type Route,
  type RouteHandler,
  type RouteOptions,
  type RouteRequest,
  Router,
  type RouterOptions,
  type RouteScope,
} from "./router.ts";
export { LONGEST_TIMER, within } from "./within.ts";
