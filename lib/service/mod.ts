export {
  type ArtifactsOptions,
  type Includable,
  type JobsOptions,
  ServiceBuilder,
  type ServiceOptions,
  type TasksOptions,
} from "./builder.ts";
export { ServiceConfigurationError, ServiceStoppedError, ShutdownTimeoutError } from "./errors.ts";
export type { Health, HealthCheck, HealthOptions, HealthState } from "./health.ts";
export { Service, type ServiceHook, type StartOptions } from "./service.ts";
