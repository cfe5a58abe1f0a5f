import { test } from "bun:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { HttpProblem } from "../../lib/http/mod.ts";

test("toResponse() answers an RFC 9457 problem document, to the byte", async () => {
  const response = new HttpProblem(404, "task-not-found", { detail: "No task" }).toResponse("/a/b");
  assertEquals(response.status, 404);
  assertEquals(response.headers.get("content-type"), "application/problem+json");
  assertEquals(
    await response.text(),
    '{"type":"urn:taskmount:error:task-not-found","title":"Not Found","status":404,"detail":"No task","instance":"/a/b"}',
  );
});

test("toResponse() ends with the issues, where there are some", async () => {
  const issues = [{ path: ["params", "items", 0], message: "Expected a string" }];
  const problem = new HttpProblem(422, "invalid-request", { detail: "Bad", issues });
  assertEquals(
    await problem.toResponse("/").text(),
    '{"type":"urn:taskmount:error:invalid-request","title":"Unprocessable Entity","status":422,"detail":"Bad","instance":"/",' +
      '"issues":[{"path":["params","items",0],"message":"Expected a string"}]}',
  );
});

test("toResponse() sends headers, but for another content type", () => {
  const headers = { allow: "GET", "content-type": "text/html" };
  const response = new HttpProblem(405, "x", { detail: "No", headers }).toResponse("/");
  assertEquals(response.headers.get("allow"), "GET");
  assertEquals(response.headers.get("content-type"), "application/problem+json");
});

test("HttpProblem keeps its cause", () => {
  const cause = new SyntaxError("bad");
  assertStrictEquals(new HttpProblem(400, "x", { detail: "Bad", cause }).cause, cause);
});
