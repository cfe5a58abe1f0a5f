import {
  type RouteHandler,
  type RouteRequest,
  Router,
  type RouterOptions,
  withProblems,
} from "../../http/mod.ts";
import type { Scheduler } from "../scheduler.ts";
import { toProblem } from "../to_problem.ts";
import { recordToWire } from "../to_wire.ts";
import { scheduleToWire } from "./to_wire.ts";

export interface ScheduleRouterOptions extends RouterOptions {
  scheduler: Scheduler;
  /** @default {"/api/v1/schedules"} */
  prefix?: string;
}

/**
 * The HTTP routes of a scheduler's schedules.
 *
 * | route | answers |
 * | --- | --- |
 * | `GET {prefix}` | what running processes declare, by name |
 * | `GET {prefix}/{name}` | one schedule |
 * | `POST {prefix}/{name}/$pause` | the schedule, which ticks no more |
 * | `POST {prefix}/{name}/$resume` | the schedule, which ticks again |
 * | `POST {prefix}/{name}/$run` | 202 with the record of its job, submitted now |
 */
export class ScheduleRouter extends Router {
  readonly prefix: string;
  readonly #scheduler: Scheduler;

  private constructor({
    scheduler,
    prefix = "/api/v1/schedules",
    ...options
  }: ScheduleRouterOptions) {
    super(options);
    this.prefix = prefix;
    this.#scheduler = scheduler;
    const { schedules } = scheduler;
    const schedule = `${prefix === "/" ? "" : prefix}/{name}`;
    const get = async (name: string) => Response.json(scheduleToWire(await schedules.get(name)));
    const list = withProblems(toProblem, async () =>
      Response.json((await schedules.list()).map(scheduleToWire)),
    );
    const read = { scope: "jobs:read" };
    const write = { scope: "jobs:write" };
    this.add("GET", prefix, list, read);
    this.add("GET", schedule, forSchedule(get), read);
    for (const action of ["pause", "resume"] as const) {
      const handler = forSchedule(async (name) => {
        await schedules[action](name);
        return await get(name);
      });
      this.add("POST", `${schedule}/$${action}`, handler, write);
    }
    const run = forSchedule((name, request) => this.#run(name, request));
    this.add("POST", `${schedule}/$run`, run, write);
  }

  /** @throws {TypeError} where `prefix` or `basePath` is no path. */
  static create(options: ScheduleRouterOptions): ScheduleRouter {
    return new ScheduleRouter(options);
  }

  async #run(name: string, { link, principal }: RouteRequest): Promise<Response> {
    const id = await this.#scheduler.schedules.runFor(name, principal);
    const record = await this.#scheduler.get(id);
    const location = link(`${this.#scheduler.prefix}/${id}`);
    const headers = { location };
    return Response.json(recordToWire(record, this.#scheduler), { status: 202, headers });
  }
}

type ScheduleHandler = (name: string, request: RouteRequest) => Promise<Response>;

function forSchedule(handler: ScheduleHandler): RouteHandler {
  return withProblems(toProblem, (request) => handler(request.parameters["name"] ?? "", request));
}
