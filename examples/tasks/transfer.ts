import { defineTask, NonRetryableError, TaskContext } from "taskmount";
import * as v from "valibot";
import type { Tables } from "../tables.ts";

/**
 * Moves money exactly once, whatever crashes in between: both rows, the result
 * and the job's completion are committed together.
 */
export const transfer = defineTask("transfer", {
  description: "Moves money from one account to another, exactly once.",
  tags: ["money", "database"],
  params: v.object({
    from: v.string(),
    to: v.string(),
    cents: v.pipe(v.number(), v.integer(), v.minValue(1)),
  }),
  inject: [TaskContext],
  job: { retries: 5 },
  run: ({ from, to, cents }, context) =>
    context.complete(async (tx) => {
      const db = tx.kysely<Tables>();
      const move = async (name: string, by: number) => {
        const account = await db
          .updateTable("accounts")
          .set((eb) => ({ cents: eb("cents", "+", by) }))
          .where("name", "=", name)
          .returning("cents")
          .executeTakeFirst();
        if (account === undefined) throw new NonRetryableError(`There is no account "${name}"`);
        return account.cents;
      };
      // What is thrown here undoes both.
      const left = await move(from, -cents);
      if (left < 0)
        throw new NonRetryableError(`"${from}" has ${left + cents} cents, not ${cents}`);
      return { [from]: left, [to]: await move(to, cents) };
    }),
});
