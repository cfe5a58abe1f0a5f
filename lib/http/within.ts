/** The longest time that a timer can be set to, in milliseconds; beyond, it fires at once. */
export const LONGEST_TIMER: number = 2 ** 31 - 1;

/** What `work` resolves to, or undefined after `seconds`. It leaves no timer. */
export async function within<T>(seconds: number, work: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), Math.min(seconds * 1_000, LONGEST_TIMER));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
