/** Deeper than any sensible document, and shallow enough for every recursive function that gets it. */
export const DEEPEST_JSON = 500;

/** Whether JSON text is nested deeper than that: brackets outside strings are counted. */
export function isTooDeep(text: string): boolean {
  // Each level takes an opening and a closing bracket.
  if (text.length <= DEEPEST_JSON * 2) return false;
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text.charCodeAt(index);
    if (inString) {
      if (character === 0x5c) index += 1;
      else if (character === 0x22) inString = false;
    } else if (character === 0x22) inString = true;
    else if (character === 0x5b || character === 0x7b) {
      depth += 1;
      if (depth > DEEPEST_JSON) return true;
    } else if (character === 0x5d || character === 0x7d) depth -= 1;
  }
  return false;
}
