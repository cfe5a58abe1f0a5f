export type { ApiKey, KeyHolder } from "./api_keys.ts";
export { Authenticator, type AuthOptions } from "./authenticator.ts";
export { InvalidKeysError, MissingPackageError } from "./errors.ts";
export type { JsonWebKeys, JwtOptions } from "./jwt.ts";
export type { KeysOption } from "./key_source.ts";
