import type { Migration } from "kysely/migration";
import { createArtifacts } from "./artifacts.ts";
import { createJobs } from "./jobs.ts";
import { createSchedules } from "./schedules.ts";

/** The names of taskmount's own tables, which carry the database's `tablePrefix`. */
export const TABLES: readonly string[] = [
  "jobs",
  "job_tags",
  "job_attempts",
  "job_logs",
  "job_queue",
  "job_fence",
  "schedules",
  "schedule_workers",
  "artifacts",
  "artifact_tags",
  "artifact_contents",
  "artifact_chunks",
];

/** How they came to be, in this order; part of a released version never changes. */
export const migrationsOf = (tablePrefix: string): Record<string, Migration> => ({
  "0001_jobs": createJobs(tablePrefix),
  "0002_schedules": createSchedules(tablePrefix),
  "0003_artifacts": createArtifacts(tablePrefix),
});
