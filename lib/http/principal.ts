/** Who sent a request, or asked for a run. */
export interface Principal {
  readonly name: string;
  /** Such as `tasks:read`; `*` stands for all. */
  readonly scopes: readonly string[];
}

/** Whether who has `scopes` has `scope`: `tasks:execute` holds `tasks:execute:greet` too, `*` all. */
export function allows({ scopes }: Principal, scope: string): boolean {
  return scopes.some((held) => {
    if (held === scope || held === "*") return true;
    // A word alone holds nothing below it: there is no scope that is all of "jobs".
    return held.includes(":") && scope.startsWith(`${held}:`);
  });
}
