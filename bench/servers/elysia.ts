import { Elysia, t } from "elysia";
import { serve } from "./serve.ts";

const body = t.Object({ params: t.Object({ name: t.String({ default: "World" }) }) });
const app = new Elysia().post(
  "/api/v1/tasks/greet_user/$execute",
  ({ body: { params } }) => {
    const result = { message: `Hello, ${params.name}!` };
    return { task_name: "greet_user", params, result, error: null };
  },
  { body },
);
serve(app.fetch);
