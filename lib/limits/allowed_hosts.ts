import { HttpProblem, type RequestServer } from "../http/mod.ts";
import { IpNetwork, parseAddress } from "./ip_address.ts";

const LOOPBACK = [new IpNetwork("127.0.0.0/8"), new IpNetwork("::1")];
/** So many texts that were let in are remembered, */
const REMEMBERED = 1_000;
/** if they are no longer than this. */
const LONGEST_REMEMBERED = 260;

/**
 * Which `Host` a server on loopback answers to.
 *
 * A page can have its own name resolve to 127.0.0.1, and then talks to what listens there as to its own
 * site, so that no rule for other sites holds it back: DNS rebinding. The browser still says in `Host`
 * by what name it came.
 */
export class AllowedHosts {
  readonly #names: ReadonlySet<string>;
  /** Of which all below are allowed: `.example.org`. */
  readonly #parents: readonly string[];
  readonly #remembered = new Set<string>();
  /** Most requests say what the one before said. */
  #last: string | undefined;
  /** The one that passed a request last, */
  #server: RequestServer | undefined;
  /** and whether it listens on loopback. */
  #isOnLoopback = false;

  /** `names` are like `app.example.org` and `*.example.org`. */
  constructor(names: readonly string[] = []) {
    const known = names.map((name) => name.toLowerCase());
    this.#names = new Set(known);
    this.#parents = known.filter((name) => name.startsWith("*.")).map((name) => name.slice(1));
  }

  /**
   * The answer to a request that came to a server on loopback by another name; undefined for all
   * others.
   */
  refusal({ headers }: Request, server: RequestServer): HttpProblem | undefined {
    if (server !== this.#server) this.#lookAt(server);
    if (!this.#isOnLoopback) return undefined;
    const host = headers.get("host") ?? "";
    if (host === this.#last || this.#remembered.has(host)) return undefined;
    const name = nameOf(host);
    if (name !== undefined && this.#has(name)) {
      if (host.length <= LONGEST_REMEMBERED) {
        if (this.#remembered.size === REMEMBERED) this.#remembered.clear();
        this.#remembered.add(host);
        this.#last = host;
      }
      return undefined;
    }
    return new HttpProblem(403, "host-not-allowed", {
      detail:
        `Host says ${host === "" ? "nothing" : `"${host.slice(0, 100)}"`}, and this answers as ` +
        "localhost alone; withLimits({ allowedHosts }) allows more",
    });
  }

  #has(name: string): boolean {
    if (name === "localhost" || name.endsWith(".localhost") || this.#names.has(name)) return true;
    if (this.#parents.some((parent) => name.endsWith(parent) && name !== parent)) return true;
    const address = parseAddress(name);
    return address !== undefined && LOOPBACK.some((network) => network.has(address));
  }

  #lookAt(server: RequestServer): void {
    this.#server = server;
    this.#isOnLoopback = listensOnLoopback(server);
  }
}

/** Whether a text is a name that a `Host` may have, as `allowedHosts` takes them. */
export function isHostName(text: string): boolean {
  const name = text.startsWith("*.") ? text.slice(2) : text;
  return text.length <= 255 && (NAME.test(name) || BRACKETED.test(name));
}

const NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;
const BRACKETED = /^\[[0-9a-f:.]+\]$/i;

/** The name of a `Host`, in small letters, without port and last dot; undefined where it is none. */
function nameOf(host: string): string | undefined {
  const name = host.replace(/:\d*$/, "");
  const bare = name.endsWith(".") ? name.slice(0, -1) : name;
  return NAME.test(bare) || BRACKETED.test(bare) ? bare.toLowerCase() : undefined;
}

function listensOnLoopback({ address }: RequestServer): boolean {
  const text = typeof address === "object" ? address?.address : undefined;
  const parsed = text === undefined ? undefined : parseAddress(text);
  return parsed !== undefined && LOOPBACK.some((network) => network.has(parsed));
}
