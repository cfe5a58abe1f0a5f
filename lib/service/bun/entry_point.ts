/**
 * Whether the function that calls this is being called by Bun's entry point.
 *
 * After the main module, the entry point serves its default export, but for
 * one that has a `stop`, which it takes for a server that listens already.
 * A service has a `stop` and listens to nothing, so it hides `stop` from this
 * one reader. Bun tells who reads in the stack alone.
 *
 * @see https://bun.com/docs/runtime/http/server#export-default-syntax
 */
export function isCalledByEntryPoint(): boolean {
  // The message, this function, its caller, the caller's caller.
  const [, , , reader = ""] = new Error().stack?.split("\n") ?? [];
  return /\(bun:main(:\d+)*\)$/.test(reader);
}
