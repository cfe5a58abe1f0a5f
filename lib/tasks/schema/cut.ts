/** A text of at most `length` characters: the beginning of one that is longer, and an ellipsis. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  // Half a surrogate pair would be no character.
  return `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
