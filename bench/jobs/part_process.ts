// One part in a process of its own, which has done nothing before.
import { PARTS, type PartName } from "./parts.ts";

// The parent says which, and nobody else starts this.
process.send?.(await PARTS[process.argv[2] as PartName]());
process.exit();
