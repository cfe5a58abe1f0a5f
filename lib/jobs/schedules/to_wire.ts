import type { Schedule } from "./schedule.ts";

/** A schedule, as it goes over HTTP; times are ISO 8601 in UTC. */
export function scheduleToWire(schedule: Schedule): Record<string, unknown> {
  return {
    name: schedule.name,
    expression: schedule.expression,
    time_zone: schedule.timeZone,
    task_name: schedule.taskName,
    params: schedule.params,
    missed: schedule.missed,
    paused: schedule.paused,
    next_run_at: schedule.nextRunAt,
    last_run_at: schedule.lastRunAt,
    last_job_id: schedule.lastJobId,
  };
}
