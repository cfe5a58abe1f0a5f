import { Cron } from "croner";

/**
 * The ticks of a cron expression in a time zone.
 *
 * Five fields (minute, hour, day of the month, month, day of the week), or six
 * with seconds first, or `@hourly` and the like; with `L`, `W` and `#` as
 * croner reads them. Where clocks are set forward, what names an hour that is
 * skipped ticks right after the gap; where they are set back, once. What has a
 * `*` or a step in its time ticks through both, as Vixie cron does it.
 *
 * @see https://github.com/open-source-cron/ocps
 */
export class CronExpression {
  readonly #cron: Cron;

  /** @throws {Error} where one of them can't be read. */
  constructor(expression: string, timeZone: string) {
    // Croner would take a date too, which is no expression.
    const fields = expression.trim().split(/\s+/).length;
    if (!expression.trim().startsWith("@") && fields !== 5 && fields !== 6) {
      throw new TypeError(`it has ${fields} fields, and must have 5, or 6 with seconds first`);
    }
    // Croner would take it for the machine's own.
    if (timeZone === "") throw new TypeError("the time zone is empty");
    this.#cron = new Cron(expression, {
      timezone: timeZone,
      paused: true,
      mode: "5-or-6-parts",
      fixedTimeRule: "no-wildcard",
    });
    // Only now would an unknown time zone be found out.
    this.#cron.nextRun(new Date(0));
  }

  /** The first tick after this time; null where none comes. In milliseconds since 1970. */
  next(after: number): number | null {
    return this.#cron.nextRun(new Date(after))?.getTime() ?? null;
  }

  /** The last tick at this time or before; null where there was none. In milliseconds since 1970. */
  latest(until: number): number | null {
    return this.#cron.previousRuns(1, new Date(until + 1))[0]?.getTime() ?? null;
  }
}
