/** Streams all atoms of a SQLite file in a process of its own, and prints what that added to the resident memory. */
import { SQLiteStorage } from "@rivet/memory-sqlite";

const [path] = process.argv.slice(2);
await using storage = await new SQLiteStorage(path).open();
const beforeBytes = process.memoryUsage.rss();
let peakBytes = beforeBytes;
let atoms = 0;
for await (const atom of storage.atoms()) {
  if (atom.content !== undefined) atoms += 1;
  if (atoms % 10_000 === 0) peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
}
console.log(JSON.stringify({ atoms, addedMegabytes: (peakBytes - beforeBytes) / 1e6 }));
