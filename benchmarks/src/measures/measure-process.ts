/** One measure in a process of its own: it has none of the garbage and none of the compiled code of another. */
import { MEASURES } from "./list.ts";

const [name = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit());
process.send?.([await MEASURES[name]?.()].flat());
process.disconnect();
