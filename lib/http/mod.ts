export { bodyStream } from "./body_stream.ts";
export { type ByteRange, ifRange, readByteRange } from "./byte_range.ts";
export { attachment } from "./content_disposition.ts";
export { countedStream } from "./counted_stream.ts";
export {
  type EventMessage,
  type EventStreamOptions,
  eventStream,
  sendEvents,
} from "./event_stream.ts";
export { isRawNumber, parseExactly } from "./exact_json.ts";
export { CHALLENGE, type Guard } from "./guard.ts";
export { type Handler, isRequestServer, type RequestServer, waitLong } from "./handler.ts";
export { Heartbeats } from "./heartbeats.ts";
export { InFlight } from "./in_flight.ts";
export { type ReadJsonOptions, readJson } from "./json_body.ts";
export { DEEPEST_JSON, isTooDeep } from "./json_depth.ts";
export { type FormFile, type ReadFormOptions, readForm } from "./multipart.ts";
export { isOrigin } from "./origin.ts";
export { pathOf, queryOf } from "./path.ts";
export { allows, type Principal } from "./principal.ts";
export { HttpProblem, type ProblemIssue, type ProblemOptions } from "./problem.ts";
export { PublicPaths } from "./public_paths.ts";
export { valuesOf } from "./query_values.ts";
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
export { textBody } from "./text_body.ts";
export { type FailingHandler, withProblems } from "./with_problems.ts";
export { LONGEST_TIMER, within } from "./within.ts";
