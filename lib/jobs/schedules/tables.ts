/** The tables of schedules; times are milliseconds since 1970, and JSON is text. */
export interface ScheduleTables {
  schedules: ScheduleRow;
  /** Which workers declare a schedule, by the ids of their leases. */
  schedule_workers: { name: string; worker: string };
}

export interface ScheduleRow {
  name: string;
  /** Rises whenever the schedule is replaced by another one. */
  version: number;
  expression: string;
  time_zone: string;
  task_name: string;
  params: string;
  /** Of its jobs. */
  options: string;
  missed: "skip" | "once";
  paused: 0 | 1;
  /** Ticks up to this time are over: they were run, or never will be. */
  last_tick: number;
  last_run_at: number | null;
  last_job_id: string | null;
}
