/**
 * What the example of jobs prints once it listens: where, and commands to paste into a shell.
 *
 * Single quotes keep the shell away from `$submit`, and from the brackets of an IPv6 address.
 */
export function jobCommands(origin: string): string {
  const tasks = `${origin}/api/v1/tasks`;
  const json = "-H 'content-type: application/json'";
  return `Listening at ${origin}

Submit a job and follow it, with a progress bar:
  bun run examples/follow.ts '${tasks}/count_to' '{"number": 50}'

One that fails twice, and one that moves money exactly once:
  bun run examples/follow.ts '${tasks}/print_report'
  bun run examples/follow.ts '${tasks}/transfer' '{"from": "ada", "to": "grace", "cents": 500}'

Spawn a closure from a task, which answers at once:
  curl -X POST '${tasks}/spawn_background_job/$execute' ${json} -d '{"params": {"processing_time": 2}}'

What are the jobs, and what runs each minute?
  curl '${origin}/api/v1/jobs'
  curl '${origin}/api/v1/schedules'
`;
}
