import * as v from "valibot";

/** What the example takes from the environment. */
export interface Settings {
  readonly hostname: string;
  readonly port: number;
  readonly databaseUrl: string;
  /** Whether `run_command` is there, by which a caller runs any command. */
  readonly allowShell: boolean;
}

/** The environment holds something that can't be used. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

const Port = v.pipe(
  variable("8000"),
  v.check(
    (text) => /^\d{1,5}$/.test(text) && Number(text) <= 65_535,
    ({ input }) => `Cannot use PORT="${input}": it must be a whole number from 0 to 65535`,
  ),
  v.transform(Number),
);

const Environment = v.object({
  HOST: variable("127.0.0.1"),
  PORT: Port,
  DATABASE_URL: variable(":memory:"),
  ALLOW_SHELL: variable("0"),
});

/**
 * Reads `HOST`, `PORT`, `DATABASE_URL` and `ALLOW_SHELL`.
 *
 * @throws {SettingsError}
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const parsed = v.safeParse(Environment, environment);
  if (!parsed.success) throw new SettingsError(parsed.issues[0].message);
  const { HOST, PORT, DATABASE_URL, ALLOW_SHELL } = parsed.output;
  return {
    hostname: HOST,
    port: PORT,
    databaseUrl: DATABASE_URL,
    allowShell: ALLOW_SHELL === "1",
  };
}

/** A variable that may be left out; an empty one, as in `PORT= bun ...`, counts as left out. */
function variable(fallback: string) {
  return v.pipe(
    v.optional(v.string(), ""),
    v.transform((text) => (text === "" ? fallback : text)),
  );
}
