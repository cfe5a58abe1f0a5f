/**
 * The values of a query by their names: arrays of those that `repeatable`
 * names, and texts of the others. What is given twice and may not be is an
 * array too, which no schema of a text takes.
 */
export function valuesOf(query: URLSearchParams, repeatable: readonly string[] = []): object {
  const names = [...new Set(query.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const values = query.getAll(name);
      return [name, values.length > 1 || repeatable.includes(name) ? values : values[0]];
    }),
  );
}
