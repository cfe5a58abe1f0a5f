// Raw, with what any safe server looks at for the same JSON work: path, method, content type, size.
import { serve } from "./serve.ts";

const PATH = "/api/v1/tasks/greet_user/$execute";
const LARGEST = 10 * 1024 * 1024;

serve(async (request) => {
  const { url, method, headers } = request;
  if (url.slice(url.indexOf("/", url.indexOf("://") + 3)) !== PATH) return refuse(404);
  if (method !== "POST") return refuse(405);
  if (headers.get("sec-fetch-site") !== null || headers.get("origin") !== null) return refuse(403);
  if (headers.get("content-type") !== "application/json") return refuse(415);
  if (headers.get("content-encoding") !== null) return refuse(415);
  const length = headers.get("content-length");
  if (length === null || Number(length) > LARGEST) return refuse(413);
  const { params } = await request.json();
  const result = { message: `Hello, ${params.name}!` };
  return Response.json({ task_name: "greet_user", params, result, error: null });
});

function refuse(status: number): Response {
  return new Response(null, { status });
}
