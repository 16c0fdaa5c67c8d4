import { MemoryError, openStorage } from "@rivet/memory-core";
import { beginSession, playTurn } from "./replay.ts";
import { TranscriptError, type Transcript } from "./transcript.ts";

/**
 * Plays the transcript line by line into a temporary in-memory storage, so that a refused line is found before the real
 * storage is opened.
 *
 * @throws {TranscriptError} with the number of the first refused line.
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
