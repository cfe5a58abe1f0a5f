/**
 * What the example prints once it listens: where, and three commands to paste into a shell.
 *
 * Single quotes keep the shell away from `$execute`, and from the brackets of an IPv6 address.
 */
export function welcome(origin: string): string {
  const tasks = `${origin}/api/v1/tasks`;
  const json = "-H 'content-type: application/json'";
  return `Listening at ${origin}

What tasks are there?
  curl '${tasks}'

Run one, with params:
  curl -X POST '${tasks}/greet_user/$execute' ${json} -d '{"params": {"name": "Alice"}}'

Count files, twice to see the count before:
  curl -X POST '${tasks}/count_files/$execute' ${json} -d '{"params": {"directory": "."}}'
`;
}
