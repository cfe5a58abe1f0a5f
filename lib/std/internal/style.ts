import process from "node:process";

const plain = Boolean(process.env["NO_COLOR"]);

function style(open: number, close: number): (text: string) => string {
  if (plain) return (text) => text;
  const start = `\x1b[${open}m`;
  const end = `\x1b[${close}m`;
  // An inner style with the same end would also end this one: begin it anew there.
  return (text) => start + text.replaceAll(end, start) + end;
}

/** Renders text bold, like every style here only where `NO_COLOR` is not set. */
export const bold: (text: string) => string = style(1, 22);
/** Renders text in red. */
export const red: (text: string) => string = style(31, 39);
/** Renders text in green. */
export const green: (text: string) => string = style(32, 39);
/** Renders text in white. */
export const white: (text: string) => string = style(37, 39);
/** Renders text in gray. */
export const gray: (text: string) => string = style(90, 39);
/** Renders text on a red background. */
export const onRed: (text: string) => string = style(41, 49);
/** Renders text on a green background. */
export const onGreen: (text: string) => string = style(42, 49);
