/** A file with a history: sessions of several users, written in a random order, merged, changed and partly deleted. */
import { AtomClock, compareRows, Session, type AtomRow, type MemoryStorage } from "@rivet/memory-core";
import { seededRandom } from "@rivet/local-servers/seeded-random";

const SESSIONS = 12;
const STEPS = 60;

export interface SeededStore {
  readonly victim: string;
  /** Sessions of the victim, and all their atoms with the text that each repeats. */
  readonly victimSessions: readonly Session[];
  readonly texts: ReadonlyMap<string, { readonly sessionId: string; readonly text: string }>;
  /** Texts of atoms that were deleted on the way. */
  readonly deletedTexts: readonly string[];
}

/**
 * Fills a storage. Each atom repeats a text of its own, so that any piece of it is found. Sizes are from one line to
 * several pages; ids arrive out of order, alone, in groups and by replication.
 */
export async function seedStore(storage: MemoryStorage, seed: number): Promise<SeededStore> {
  const random = seededRandom(seed);
  const pick = (count: number): number => Math.floor(random() * count);
  const clock = new AtomClock();
  const victim = `victim-${seed}-of-all`;
  const users = [victim, `friend-${seed}-of-all`];
  const sessions = Array.from(
    { length: SESSIONS },
    (_, index) =>
      new Session({ userId: users[index % 2] ?? victim, sessionId: `s-${pick(1_000_000)}-${index}`, storage }),
  );
  const texts = new Map<string, { sessionId: string; text: string }>();
  const deletedTexts: string[] = [];
  let count = 0;
  const contentOf = (): { text: string; content: string } => {
    const text = `<${seed}.${count++}.${pick(1_000_000)}>`;
    return { text, content: text.repeat(1 + pick(random() < 0.1 ? 900 : 40)) };
  };
  // Ids that were minted before others and are used after them.
  const ids = Array.from({ length: STEPS * 4 }, () => clock.next());
  const takeId = (): string => ids.splice(pick(ids.length), 1)[0] ?? clock.next();
  const newAtom = (session: Session) => {
    const { text, content } = contentOf();
    const id = takeId();
    texts.set(id, { sessionId: session.sessionId, text });
    return { id, sessionId: session.sessionId, userId: session.userId, memoryType: "log", content };
  };
  const rowOf = (session: Session): AtomRow => {
    const { content, ...atom } = newAtom(session);
    return { ...atom, content: JSON.stringify(content), metadata: "{}", createdAtMs: 1_000, expiresAtMs: null };
  };
  for (let step = 0; step < STEPS; step++) {
    const session = sessions[pick(SESSIONS)];
    if (session === undefined) continue;
    const kind = pick(5);
    if (kind === 0) await storage.saveMemoryAtom(newAtom(session));
    else if (kind === 1) await storage.saveMemoryAtoms(Array.from({ length: 1 + pick(6) }, () => newAtom(session)));
    else if (kind === 2) {
      const rows = Array.from({ length: 1 + pick(6) }, () => rowOf(session)).sort(compareRows);
      await storage.replica.merge({ rows, tombstones: [] });
    } else if (kind === 3 && texts.size > 10) {
      const [id, { sessionId, text }] = [...texts][pick(texts.size)] ?? ["", { sessionId: "", text: "" }];
      await storage.deleteMemoryAtoms(sessionId, [id]);
      texts.delete(id);
      deletedTexts.push(text);
    } else {
      const { text, content } = contentOf();
      texts.set(session.addUserMessage(content).id, { sessionId: session.sessionId, text });
      session.setMetadata(`key${pick(3)}`, `${step}`.repeat(pick(40)));
      await session.save();
    }
  }
  return { victim, victimSessions: sessions.filter(({ userId }) => userId === victim), texts, deletedTexts };
}
