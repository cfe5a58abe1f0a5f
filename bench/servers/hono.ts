import { Hono } from "hono";
import { validator } from "hono/validator";
import * as v from "valibot";
import { serve } from "./serve.ts";

const Body = v.object({ params: v.object({ name: v.optional(v.string(), "World") }) });
const app = new Hono();
app.post(
  "/api/v1/tasks/greet_user/$execute",
  validator("json", (value) => v.parse(Body, value)),
  (context) => {
    const { params } = context.req.valid("json");
    const result = { message: `Hello, ${params.name}!` };
    return context.json({ task_name: "greet_user", params, result, error: null });
  },
);
serve(app.fetch);
