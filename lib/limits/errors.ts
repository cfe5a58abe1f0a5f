/** Requests are limited by address, and where this one came from nobody has said. */
export class UnknownAddressError extends Error {
  override readonly name = "UnknownAddressError";

  constructor(reason: string) {
    super(
      `Cannot limit a request by its address: ${reason}. Pass Bun's server on, as in ` +
        "service.fetch(request, server), or say with withLimits({ trustedProxy: 1 }) how many proxies " +
        "in front write X-Forwarded-For",
    );
  }
}
