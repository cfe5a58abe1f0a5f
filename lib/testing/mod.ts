/**
 * What tests of tasks and services need: a clock that is told to pass, and schedulers and services
 * that live in it.
 *
 * @module
 */
export { JobStuckError } from "./errors.ts";
export { FakeClock, type FakeClockOptions } from "./fake_clock.ts";
export {
  type RunArguments,
  type RunOptions,
  TestScheduler,
  type TestSchedulerOptions,
  type WaitOptions,
} from "./test_scheduler.ts";
export { type TestRequestInit, TestService, type TestServiceOptions } from "./test_service.ts";
