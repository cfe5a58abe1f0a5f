/** What a browser must not get to see in the name of a file: control characters, and those that reverse its direction. */
const INVISIBLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
/** What may stand in a quoted string that every client reads alike. */
const NOT_PLAIN = /[^\x20-\x7e]|["\\%]/gu;
/** The characters that RFC 8187 has encoded, and `encodeURIComponent` leaves as they are. */
const UNENCODED = /['()*]/g;
/** Longer than most file systems take, in characters. */
const LONGEST = 255;

/**
 * A `Content-Disposition` that makes a client save what is sent, as a file of this name. Of a path
 * the last segment counts, and nothing that could lead elsewhere or deceive is left in it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6266
 * @see https://www.rfc-editor.org/rfc/rfc8187
 */
export function attachment(filename: string): string {
  const name = safeName(filename);
  const plain = name.replace(NOT_PLAIN, "_");
  const quoted = `attachment; filename="${plain}"`;
  return plain === name ? quoted : `${quoted}; filename*=UTF-8''${encode(name)}`;
}

function safeName(filename: string): string {
  const segments = filename.toWellFormed().split(/[/\\]/);
  const name = (segments.at(-1) ?? "").replace(INVISIBLE, "").trim();
  // "." and ".." name directories.
  return /^\.*$/.test(name) ? "download" : shorten(name);
}

/** Cuts before the extension. */
function shorten(name: string): string {
  const characters = [...name];
  if (characters.length <= LONGEST) return name;
  const extension = /\.[^.]{1,20}$/.exec(name)?.[0] ?? "";
  return characters.slice(0, LONGEST - [...extension].length).join("") + extension;
}

function encode(name: string): string {
  return encodeURIComponent(name).replace(
    UNENCODED,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
