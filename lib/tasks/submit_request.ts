import type { Principal, RequestServer } from "../http/mod.ts";

/** A `POST {prefix}/{name}/$submit`, as a scheduler answers it. */
export interface SubmitRequest {
  readonly request: Request;
  readonly server: RequestServer | undefined;
  /** The largest body, in bytes. */
  readonly maxBody: number;
  /** Seconds within which the whole body must have come; null for any time. */
  readonly bodyTimeout: number | null;
  /** The path of a link to `path`, where the routes are mounted. */
  readonly link: (path: string) => string;
  /** Who asks; null where nobody had to say. */
  readonly principal: Principal | null;
}
