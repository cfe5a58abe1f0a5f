import { type LimitsOptions, type Service, ServiceBuilder, TaskRegistry } from "../../lib/mod.ts";

export const EXECUTE = "/api/v1/tasks/greet/$execute";

/** With a task that greets, and health. */
export function builder(limits?: LimitsOptions): ServiceBuilder {
  const registry = new TaskRegistry();
  registry.register("greet", { run: () => ({ message: "Hello!" }) });
  const made = new ServiceBuilder({ displayName: "Limits", signals: false })
    .withTasks({ registry })
    .withHealth();
  return limits === undefined ? made : made.withLimits(limits);
}

/** A service behind a port. */
export class Served implements AsyncDisposable {
  readonly service: Service;
  readonly server: Bun.Server<undefined>;

  constructor(built: ServiceBuilder, hostname = "127.0.0.1") {
    this.service = built.build();
    this.server = Bun.serve({ ...this.service, hostname, port: 0 });
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.server.port}${path}`, init);
  }

  /** The status, and of a problem its type. */
  async status(path: string, init?: RequestInit): Promise<string> {
    const response = await this.fetch(path, init);
    const type = /error:([a-z-]+)/.exec(await response.text())?.[1];
    return type === undefined ? String(response.status) : `${response.status} ${type}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.stop();
    await this.server.stop(true);
  }
}

export function post(headers: Record<string, string> = {}): RequestInit {
  return { method: "POST", headers };
}

export function host(name: string): RequestInit {
  return { headers: { host: name } };
}

export function forwarded(value: string): RequestInit {
  return { headers: { "x-forwarded-for": value } };
}
