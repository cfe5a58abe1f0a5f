const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/** Whether a name can stand in TypeScript without quotes. */
export function isIdentifier(name: string): boolean {
  return IDENTIFIER.test(name);
}

/** A property's or parameter's name as TypeScript writes it: `name`, `"a-b"`. */
export function toPropertyName(name: string): string {
  return isIdentifier(name) ? name : JSON.stringify(name);
}
