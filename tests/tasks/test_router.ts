import { assertEquals } from "@std/assert";
import * as v from "valibot";
import { TaskRouter, type TaskRouterOptions } from "../../lib/tasks/mod.ts";
import { TestExecutor } from "./test_executor.ts";

/** A router of tasks, on an executor of its own. */
export class TestRouter extends TestExecutor {
  readonly router: TaskRouter;

  constructor(options: Omit<TaskRouterOptions, "executor"> = {}) {
    super();
    this.router = TaskRouter.create({ ...options, executor: this.executor });
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return this.router.fetch(new Request(`http://localhost${path}`, init));
  }

  /** Sends JSON text, or nothing, to a task's `$execute`. */
  post(
    name: string,
    json?: string | null,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return this.fetch(`/api/v1/tasks/${name}/$execute`, {
      method: "POST",
      headers: json == null ? headers : { "content-type": "application/json", ...headers },
      body: json ?? null,
    });
  }

  /** The text of the answer to `$execute`, which must be 200. */
  async execute(name: string, json?: string): Promise<string> {
    const response = await this.post(name, json);
    const text = await response.text();
    assertEquals(response.status, 200, text);
    assertEquals(response.headers.get("content-type"), "application/json");
    return text;
  }
}

/** The JSON of an answer; what it holds is for the test to know. */
export async function jsonOf(response: Response) {
  return JSON.parse(await response.text());
}

/** A problem document as it was sent, once its status and content type are as they should be. */
export async function problemOf(response: Response, status: number) {
  const text = await response.text();
  assertEquals(response.status, status, text);
  assertEquals(response.headers.get("content-type"), "application/problem+json");
  return JSON.parse(text);
}

/** Registers `greet`, whose answer to nothing is `{ message: "Hello, World!" }`. */
export function registerGreet({ registry }: TestExecutor): void {
  registry.register("greet", {
    description: "Greets somebody.",
    tags: ["demo", "simple"],
    params: v.object({ name: v.optional(v.string(), "World") }),
    run: ({ name }) => ({ message: `Hello, ${name}!` }),
  });
}
