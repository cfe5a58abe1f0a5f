/** The platform has no POSIX shell to run a command with. */
export class UnsupportedPlatformError extends Error {
  override readonly name = "UnsupportedPlatformError";
  /** The platform as `process.platform` names it, such as `win32`. */
  readonly platform: string;

  constructor(platform: string) {
    super(
      `Cannot run a shell command on ${platform}: it has no POSIX shell. Run the program under WSL or in a container.`,
    );
    this.platform = platform;
  }
}

/** A template's value can't be made a word of a shell command that is safe and means the same. */
export class ShellQuotingError extends TypeError {
  override readonly name = "ShellQuotingError";
  /** Which value of the template it is, counted from 0. */
  readonly index: number;

  constructor(index: number, reason: string) {
    super(`Cannot quote value ${index + 1} of the shell template: ${reason}`);
    this.index = index;
  }
}
