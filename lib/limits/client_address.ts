import { isRequestServer, type RequestServer } from "../http/mod.ts";
import { UnknownAddressError } from "./errors.ts";
import { type IpAddress, IpNetwork, keyOf, parseAddress } from "./ip_address.ts";
import type { LimitsOptions } from "./options.ts";

/**
 * Where a request comes from. What a client itself can write is never believed: proxies add to the
 * right of a list, so that is where it is read from, and no further than trusted proxies wrote it.
 */
export class ClientAddress {
  readonly #header: "X-Forwarded-For" | "Forwarded";
  /** How many proxies there are in front; undefined where they are known by address. */
  readonly #hops: number | undefined;
  readonly #proxies: readonly IpNetwork[];

  /** @throws {TypeError} where a proxy is neither an address nor a network. */
  constructor(trusted: LimitsOptions["trustedProxy"] = 0) {
    const isBare = typeof trusted === "number" || isList(trusted);
    const { proxies, header = "X-Forwarded-For" } = isBare ? { proxies: trusted } : trusted;
    this.#header = header;
    this.#hops = typeof proxies === "number" ? proxies : undefined;
    this.#proxies =
      typeof proxies === "number" ? [] : proxies.map((network) => new IpNetwork(network));
  }

  /**
   * One text for all that is counted as one client.
   *
   * @throws {UnknownAddressError}
   */
  of(request: Request, server: RequestServer | undefined): string {
    const peer = isRequestServer(server) ? server.requestIP(request)?.address : undefined;
    const nearest = peer === undefined ? undefined : parseAddress(peer);
    return keyOf(
      this.#hops === undefined ? this.#walk(request, nearest) : this.#count(request, nearest),
    );
  }

  /** Goes as many proxies back as there are; the nearest is the sender of the connection. */
  #count(request: Request, nearest: IpAddress | undefined): IpAddress {
    let found = nearest;
    const written = this.#hops === 0 ? [] : this.#written(request).slice(-(this.#hops ?? 0));
    for (const entry of written.reverse()) {
      const address = parseAddress(entry);
      if (address === undefined) break;
      found = address;
    }
    if (found !== undefined) return found;
    throw new UnknownAddressError(
      this.#hops === 0
        ? "the server that was passed, if any, does not know it"
        : `the proxy in front has not written ${this.#header}`,
    );
  }

  /** Goes back as long as who wrote an address is a trusted proxy. */
  #walk(request: Request, nearest: IpAddress | undefined): IpAddress {
    if (nearest === undefined) {
      throw new UnknownAddressError(
        "whether a trusted proxy has sent it, only the server could tell, and none that can was passed",
      );
    }
    let found = nearest;
    if (!this.#isProxy(found)) return found;
    for (const entry of this.#written(request).reverse()) {
      const address = parseAddress(entry);
      if (address === undefined) break;
      found = address;
      if (!this.#isProxy(found)) break;
    }
    return found;
  }

  #isProxy(address: IpAddress): boolean {
    return this.#proxies.some((network) => network.has(address));
  }

  /** The client's side is on the left. */
  #written({ headers }: Request): string[] {
    const value = headers.get(this.#header);
    if (value === null) return [];
    const entries = value.split(",");
    return this.#header === "Forwarded" ? entries.map(forOf) : entries.map((text) => text.trim());
  }
}

/**
 * The address of an element such as `for="[2001:db8::1]:4711";proto=https`; empty where there is none.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7239#section-4
 */
function forOf(element: string): string {
  for (const pair of element.split(";")) {
    const found = /^\s*for\s*=\s*"?([^"\s]*)"?\s*$/i.exec(pair)?.[1];
    if (found !== undefined) return found;
  }
  return "";
}

/** `Array.isArray`, which takes no readonly ones. */
export function isList<T>(value: readonly string[] | T): value is readonly string[] {
  return Array.isArray(value);
}
