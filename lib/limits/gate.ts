import { type Guard, HttpProblem, pathOf, type RequestServer } from "../http/mod.ts";
import { ClientAddress } from "./client_address.ts";
import { Cors } from "./cors.ts";
import type { LimitsOptions } from "./options.ts";
import { Rates } from "./rates.ts";
import { addSecurityHeaders } from "./security_headers.ts";

export interface GateOptions {
  readonly isGuarded: boolean;
  /** Whether a request is let in however often it comes. */
  readonly isExempt: (request: Request) => boolean;
  /** Is told why a request could not be counted. */
  readonly onError: (error: unknown, request: Request) => void;
}

/** What every request passes on its way in, and every answer on its way out. */
export class Gate {
  readonly #options: GateOptions;
  readonly #cors: Cors | undefined;
  readonly #rates: Rates | undefined;
  readonly #securityHeaders: boolean;

  constructor(limits: LimitsOptions, options: GateOptions) {
    const { cors, rate, trustedProxy, securityHeaders = true } = limits;
    this.#options = options;
    this.#cors = cors === undefined ? undefined : new Cors(cors);
    const by = rate?.by ?? (options.isGuarded ? "principal" : "address");
    this.#rates =
      rate === undefined
        ? undefined
        : new Rates({ ...rate, by, addresses: new ClientAddress(trustedProxy) });
    this.#securityHeaders = securityHeaders;
  }

  /** The guard, of which nobody asks too much. */
  guard(guard: Guard): Guard {
    return this.#rates?.guard(guard) ?? guard;
  }

  /** Lets a request in to `answer`, or answers it by itself. */
  async pass(
    request: Request,
    server: RequestServer | undefined,
    answer: () => Response | Promise<Response>,
  ): Promise<Response> {
    const preflight = this.#cors?.preflight(request);
    if (preflight !== undefined) return this.#complete(preflight, request);
    if (this.#rates !== undefined) {
      const isExempt = this.#options.isExempt(request);
      try {
        await this.#rates.arrive(request, server, { isExempt });
      } catch (error) {
        return this.#complete(this.#problemOf(error, request), request);
      }
    }
    return this.#complete(await answer(), request);
  }

  #problemOf(error: unknown, request: Request): Response {
    const path = pathOf(request.url);
    if (error instanceof HttpProblem) return error.toResponse(path);
    this.#options.onError(error, request);
    return new HttpProblem(500, "internal-error", {
      detail: "The service failed to answer; its log says why",
    }).toResponse(path);
  }

  /** The answer, with the headers that are the same for all. */
  #complete(answer: Response, request: Request): Response {
    // A handler that has taken the connection over, as for a WebSocket, answers nothing.
    if (!(answer instanceof Response)) return answer;
    const response = own(answer);
    const { headers } = response;
    const isShared = this.#cors?.allow(request, headers) ?? false;
    this.#rates?.describe(request, headers);
    if (this.#securityHeaders) addSecurityHeaders(headers, { isShared });
    return response;
  }
}

/** An answer without a body may be one that a handler gives again and again. */
function own(response: Response): Response {
  const { status, statusText, headers } = response;
  if (status !== 204 && status !== 304) return response;
  return new Response(null, { status, statusText, headers });
}
