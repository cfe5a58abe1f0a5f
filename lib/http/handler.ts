/**
 * What a handler needs to know of the server that calls it; Bun's `Server` has it.
 *
 * Handlers work without one, on any server that speaks `Request` and `Response`.
 */
export interface RequestServer {
  /** Where it listens; Bun gives a path for a Unix socket. */
  readonly address?: string | { readonly address: string } | null;
  /** The client's address; a `Request` has none. */
  requestIP(request: Request): { readonly address: string } | null;
  /** Changes after how many seconds an idle connection is closed; 0 for never. */
  timeout(request: Request, seconds: number): void;
  /** Stops listening and resolves when the last response is sent. */
  stop(closeActiveConnections?: boolean): Promise<void>;
}

/** A fetch handler: what `Bun.serve({ fetch })`, Hono's `mount` and their like call. */
export type Handler = (request: Request, server?: RequestServer) => Response | Promise<Response>;

/** Whether a handler's second argument is a server: others than Bun's pass other things. */
export function isRequestServer(server: RequestServer | undefined): server is RequestServer {
  return typeof server?.requestIP === "function";
}

/** Keeps the connection of a request whose answer may take long: Bun closes one after ten silent seconds. */
export function waitLong({
  request,
  server,
}: {
  readonly request: Request;
  readonly server: RequestServer | undefined;
}): void {
  server?.timeout(request, 0);
}
