type Fetch = (request: Request, server: Bun.Server<undefined>) => Response | Promise<Response>;

/** Serves on any port, tells it to the parent, and answers each of its messages with the CPU time used. */
export function serve(fetch: Fetch): void {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpu: user + system });
  });
  process.send?.({ port: server.port });
}
