/**
 * Names columns as pandas does: `a`, `a.1`, `a.2` where the header says `a` three times, and
 * `Unnamed: 0` where it leaves the first name out.
 */
export function columnNames(header: readonly string[]): string[] {
  const named = header.map((name, index) => (name === "" ? `Unnamed: ${index}` : name));
  const taken = new Set(named);
  /** Which number comes next, by name. */
  const next = new Map<string, number>();
  return named.map((name) => {
    let number = next.get(name) ?? 0;
    if (number > 0) while (taken.has(`${name}.${number}`)) number++;
    const unique = number === 0 ? name : `${name}.${number}`;
    taken.add(unique);
    next.set(name, number + 1);
    return unique;
  });
}
