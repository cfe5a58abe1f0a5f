export { isCalledByEntryPoint } from "./entry_point.ts";
