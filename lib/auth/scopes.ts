/** What a scope may be written with; as RFC 6749 has it, so that a header can name it. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/;

/** Those that this library asks for, by their first word. */
const OWN: Readonly<Record<string, RegExp>> = {
  tasks: /^tasks:(read|(execute|submit)(:[a-zA-Z0-9_-]+)?)$/,
  jobs: /^jobs:(read|write)$/,
  artifacts: /^artifacts:(read|write)$/,
  system: /^system:read$/,
  metrics: /^metrics:read$/,
};

/**
 * What is wrong with a scope, without it: where a key was mixed up with one, it is the key. Undefined
 * where nothing is. Others than the library's are the user's own.
 */
export function faultOfScope(scope: unknown): string | undefined {
  if (typeof scope !== "string" || !SCOPE.test(scope)) {
    return "a scope is text without spaces and commas, such as tasks:read";
  }
  if (scope.includes(",")) return "each scope stands by itself, without commas";
  const [family = ""] = scope.split(":");
  if (!Object.hasOwn(OWN, family) || OWN[family]?.test(scope)) return undefined;
  return (
    `there is no such scope of ${family}: there are tasks:read, tasks:execute[:NAME], tasks:submit[:NAME], ` +
    "jobs:read, jobs:write, artifacts:read, artifacts:write, system:read, metrics:read, and * for all"
  );
}
