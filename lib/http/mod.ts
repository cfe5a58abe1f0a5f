export {
  type EventMessage,
  type EventStreamOptions,
  eventStream,
  sendEvents,
} from "./event_stream.ts";
export { type Handler, isRequestServer, type RequestServer, waitLong } from "./handler.ts";
export { Heartbeats } from "./heartbeats.ts";
export { InFlight } from "./in_flight.ts";
export { type ReadJsonOptions, readJson } from "./json_body.ts";
export { pathOf, queryOf } from "./path.ts";
export { HttpProblem, type ProblemIssue, type ProblemOptions } from "./problem.ts";
export {
  type Route,
  type RouteHandler,
  type RouteRequest,
  Router,
  type RouterOptions,
} from "./router.ts";
export { LONGEST_TIMER, within } from "./within.ts";
