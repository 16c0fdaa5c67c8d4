import { MemoryError, openStorage } from "@rivet/memory-core";
import { beginSession, playTurn } from "./replay.ts";
import { TranscriptError, type Transcript } from "./transcript.ts";

/**
 * Plays the transcript line by line into a memory that is thrown away: what a storage refuses is known by its line
 * before the real one is opened.
 *
 * @throws {TranscriptError} naming the first line that is refused.
 */
export async function rehearse(transcript: Transcript): Promise<void> {
  const { path, session: first, turns } = transcript;
  await using storage = await openStorage("memory:");
  let line = first.line;
  try {
    const session = beginSession(first, storage);
    await session.save();
    for (const event of turns.flat()) {
      line = event.line;
      await playTurn([event], session, storage);
    }
  } catch (error) {
    if (!MemoryError.isInstance(error)) throw error;
    throw new TranscriptError(`${path}, line ${line}: ${error.message}`, { cause: error });
  }
}
