export { AllowedHosts } from "./allowed_hosts.ts";
export { UnknownAddressError } from "./errors.ts";
export { Gate } from "./gate.ts";
export { mistakesOf } from "./mistakes.ts";
export {
  BODY_TIMEOUT,
  type CorsOptions,
  type LimitsOptions,
  type RateOptions,
  type TrustedProxyOptions,
} from "./options.ts";
