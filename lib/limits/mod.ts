export { AllowedHosts } from "./allowed_hosts.ts";
export { UnknownAddressError } from "./errors.ts";
export { Gate } from "./gate.ts";
export { mistakesOf } from "./mistakes.ts";
export type { CorsOptions, LimitsOptions, RateOptions, TrustedProxyOptions } from "./options.ts";
