import {
  HttpProblem,
  type ProblemIssue,
  queryOf,
  type RouteRequest,
  readJson,
  valuesOf,
} from "../http/mod.ts";
import { isObject } from "../tasks/mod.ts";
import type { JobFilter } from "./job_list.ts";
import { parseFilter } from "./list_query.ts";

/** Bytes; a filter takes much less. */
const LARGEST_BODY = 64 * 1024;

/**
 * The filter of a request that changes many jobs: a list's query, or a JSON
 * body with the same keys, or some here and some there.
 *
 * @throws {HttpProblem} for what is no filter, or given twice.
 */
export async function readFilter({ request, server }: RouteRequest): Promise<JobFilter> {
  const sent = valuesOf(queryOf(request.url), ["tag"]);
  const body =
    (await readJson(request, { maxBody: LARGEST_BODY, framed: server !== undefined })) ?? {};
  if (!isObject(body)) throw invalid([{ path: [], message: "Expected an object" }]);
  const twice = Object.keys(body).filter((key) => Object.hasOwn(sent, key));
  if (twice.length > 0) {
    throw invalid(
      twice.map((key) => ({
        path: [key],
        message: "Expected it in the query or in the body, not in both",
      })),
    );
  }
  const { issues, filter } = parseFilter({ ...sent, ...withTags(body) });
  if (issues !== undefined) throw invalid(issues);
  return filter;
}

/** @throws {HttpProblem} 422, since whoever forgets the filter does not mean all jobs. */
export function refuseNoFilter(detail: string): never {
  throw new HttpProblem(422, "invalid-request", {
    detail,
    issues: [{ path: [], message: "Expected a filter" }],
  });
}

/** One tag may stand alone. */
function withTags(body: object): object {
  return "tag" in body && typeof body.tag === "string" ? { ...body, tag: [body.tag] } : body;
}

function invalid(issues: readonly ProblemIssue[]): HttpProblem {
  return new HttpProblem(422, "invalid-request", {
    detail:
      "The query, or a JSON body, may have status_filter, task, tag, since, until and before, each once but for tag",
    issues,
  });
}
