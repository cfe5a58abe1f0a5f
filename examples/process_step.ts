/** What stands for work: the sum of the first numbers. */
export async function processStep(step: number): Promise<{ sum: number }> {
  return { sum: (step * (step + 1)) / 2 };
}
