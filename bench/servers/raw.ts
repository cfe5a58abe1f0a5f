// What a bare Bun server needs for the same JSON work: parse, greet, write.
import { serve } from "./serve.ts";

serve(async (request) => {
  const { params } = await request.json();
  const result = { message: `Hello, ${params.name}!` };
  return Response.json({ task_name: "greet_user", params, result, error: null });
});
