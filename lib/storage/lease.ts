/** How a lease is kept, and who hears of what becomes of leases. */
export interface LeaseOptions {
  /** Seconds without a renewal after which others may take over. */
  readonly seconds: number;
  /** Called when others may have taken over what this lease held: its id is never used again. */
  readonly onLost: () => void;
  /** Called when leases of others have ended, so that what they held can be taken over. */
  readonly onOthersEnded: () => void;
}

/**
 * The sign of life of a process: what is marked with its `id` belongs to this process until the
 * lease ends. A lease begins before anything is marked, and one that ended never comes back.
 */
export interface Lease {
  /** Never used again. */
  readonly id: string;
  /**
   * Which of these leases have ended for good: released, or their process is dead, or not heard of
   * in time.
   *
   * @throws {LeaseLostError} where this lease itself is lost.
   * @throws {DatabaseClosedError} where it was released.
   */
  ended(ids: readonly string[]): Promise<string[]>;
  /** Gives it up at once. Safe to call twice. */
  release(): Promise<void>;
}
