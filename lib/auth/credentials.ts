/** What a request says of who sends it. */
export interface Credentials {
  readonly text: string;
  /** Whether it may be a JWT: a key of its own header is none. */
  readonly isBearer: boolean;
}

/**
 * The key of a request, from its headers alone: a URL is kept in histories, logs and referrers.
 *
 * `X-API-Key` goes before `Authorization`, which a proxy on the way may need for itself.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 */
export function credentialsOf({ headers }: Request): Credentials | undefined {
  const key = headers.get("x-api-key");
  if (key !== null && key !== "") return { text: key, isBearer: false };
  const text = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  return text === undefined ? undefined : { text, isBearer: true };
}
