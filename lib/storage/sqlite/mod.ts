export { type SqliteOptions, SqliteStore } from "./store.ts";
