import { MemoryError, Session } from "@rivet/memory-core";
import { ANSWER, QUESTION, USER } from "../workload.ts";
import { isFollowed } from "./clocks.ts";
import type { Agent, AgentContext } from "./agent.ts";
import type { HandedSession } from "./writer-settings.ts";

interface Own {
  readonly token: string;
  readonly id: string;
  readonly isMessage: boolean;
}

/** The shortest and the longest large message, in characters. */
const LARGE_LENGTHS = [300_000, 1_300_000] as const;
/** The share of sessions with a user of their own, who may be erased. */
const ERASABLE_SHARE = 0.2;

/** A session that the agent works on, with what of it is its own. */
interface Task {
  readonly session: Session;
  /** Steps after which it is left alone. */
  stepsLeft: number;
  /** Acknowledged and not deleted, in their order. */
  own: Own[];
  /** The metadata that the next save of the session writes. They have no id yet. */
  unsaved: { readonly token: string; readonly id?: string }[];
  /** An atom that may have been saved or not: it is saved again, as it is. */
  unsavedAtom?: { readonly token: string; readonly id: string } | undefined;
}

/** The messages of a session between which new ones belong. */
interface Neighbours {
  readonly afterId?: string;
  readonly beforeId?: string;
}

const LONGEST_TASK = 60;

/** The shares of an agent's actions. They add up to 1. */
const SHARES = [
  ["turn", 0.837],
  ["large-turn", 0.003],
  ["atom", 0.06],
  ["refresh", 0.02],
  ["delete-atom", 0.03],
  ["hand-over", 0.04],
  ["delete-session", 0.01],
] as const;
type Action = (typeof SHARES)[number][0];

/** Talks with a user, keeps decisions, forgets some, and hands sessions to agents elsewhere. */
export class RivetAgent implements Agent {
  readonly #context: AgentContext;
  readonly #random: () => number;
  #task: Task | undefined;

  constructor(context: AgentContext, random: () => number) {
    this.#context = context;
    this.#random = random;
  }

  async step(): Promise<void> {
    const task = this.#task ?? (await this.#nextTask());
    if (task === undefined) return;
    this.#task = task;
    task.stepsLeft -= 1;
    try {
      await this.#act(task);
    } catch (error) {
      this.#note(error, task.session.sessionId);
      // Whoever else works on it may delete a session.
      if (MemoryError.isInstance(error) && error.code === "not_found") this.#task = undefined;
    }
    if (task.stepsLeft <= 0 && task.session.unsavedCount === 0) this.#task = undefined;
  }

  /** One that another agent handed over, or a new one. Undefined when the other's cannot be read yet. */
  async #nextTask(): Promise<Task | undefined> {
    const handed = this.#context.takeOver();
    const session = handed === undefined ? this.#newSession() : await this.#read(handed);
    if (session === undefined) return undefined;
    const task: Task = { session, stepsLeft: 1 + Math.floor(this.#random() * LONGEST_TASK), own: [], unsaved: [] };
    const token = session.getMetadata("token");
    if (handed === undefined && typeof token === "string") this.#attempt(task, [{ token: token.slice(1, -1) }]);
    return task;
  }

  #newSession(): Session {
    const { storage, newToken } = this.#context;
    const token = newToken();
    const userId = this.#random() < ERASABLE_SHARE ? `${USER}-${token}` : USER;
    return new Session({ userId, storage, metadata: { token: `<${token}>` } });
  }

  async #read(handed: HandedSession): Promise<Session | undefined> {
    const { storage, log, putBack } = this.#context;
    const { sessionId, throughId } = handed;
    try {
      const session = await storage.loadSession(sessionId);
      const isComplete = session !== null && [...session.history].some(({ id }) => id === throughId);
      log.add({ event: "read", sessionId, isComplete });
      if (isComplete) return session;
    } catch (error) {
      this.#note(error, sessionId);
    }
    putBack(handed);
    return undefined;
  }

  async #act(task: Task): Promise<void> {
    if (task.unsavedAtom !== undefined) return this.#saveAtom(task, task.unsavedAtom);
    // What could not be saved is saved first, as it is.
    if (task.unsaved.some(({ id }) => id !== undefined)) return this.#save(task);
    switch (this.#choose()) {
      case "turn":
        return this.#addTurn(task, ANSWER);
      case "large-turn":
        return this.#addTurn(task, this.#largeAnswer());
      case "atom":
        return this.#saveAtom(task, { token: this.#context.newToken(), id: this.#context.storage.clock.next() });
      case "refresh":
        return this.#refresh(task);
      case "delete-atom":
        return this.#deleteAtom(task);
      case "hand-over":
        return this.#handOver(task);
      case "delete-session":
        return this.#deleteSession(task);
    }
  }

  #choose(): Action {
    let rest = this.#random();
    for (const [action, share] of SHARES) if ((rest -= share) < 0) return action;
    return "turn";
  }

  #largeAnswer(): string {
    const [shortest, longest] = LARGE_LENGTHS;
    return ANSWER.repeat((shortest + this.#random() * (longest - shortest)) / ANSWER.length);
  }

  async #addTurn(task: Task, text: string): Promise<void> {
    const { session } = task;
    const neighbours = this.#neighboursOfNew(session);
    const [question, answer] = [this.#context.newToken(), this.#context.newToken()];
    const { id } = session.addUserMessage(`<${question}> ${QUESTION}`);
    const { id: answerId } = session.addAssistantMessage(`<${answer}> ${text}`);
    const atoms = [
      { token: question, id },
      { token: answer, id: answerId },
    ];
    this.#attempt(task, atoms, neighbours);
    await this.#save(task);
  }

  async #save(task: Task): Promise<void> {
    const { acceptedBy } = await task.session.save();
    const saved = task.unsaved.splice(0);
    this.#acknowledged(
      saved.map(({ token }) => token),
      acceptedBy,
    );
    for (const { token, id } of saved) if (id !== undefined) task.own.push({ token, id, isMessage: true });
  }

  async #saveAtom(task: Task, atom: { readonly token: string; readonly id: string }): Promise<void> {
    const { storage } = this.#context;
    const { sessionId, userId } = task.session;
    const { token, id } = atom;
    if (task.unsavedAtom === undefined) this.#logAttempt(sessionId, [atom]);
    task.unsavedAtom = atom;
    const content = { token: `<${token}>`, replace: "brake chopper" };
    await storage.saveMemoryAtom({ id, sessionId, userId, memoryType: "decision", content });
    task.unsavedAtom = undefined;
    this.#acknowledged([token], []);
    task.own.push({ ...atom, isMessage: false });
  }

  async #refresh(task: Task): Promise<void> {
    // Before its first save a session is not stored.
    if (!task.own.some(({ isMessage }) => isMessage)) return;
    await task.session.refresh();
    const ids = new Set([...task.session.history].map(({ id }) => id));
    const missing = task.own.filter(({ id, isMessage }) => isMessage && !ids.has(id)).map(({ token }) => token);
    this.#context.log.add({ event: "refreshed", sessionId: task.session.sessionId, missing });
  }

  async #deleteAtom(task: Task): Promise<void> {
    const { log, storage } = this.#context;
    const { sessionId } = task.session;
    const [atom] = task.own.splice(Math.floor(this.#random() * task.own.length), 1);
    if (atom === undefined) return;
    const tokens = [atom.token];
    log.add({ event: "deleting", sessionId, tokens });
    // None deleted may also be the answer to a repeat whose first reply was lost.
    const deleted = await storage.deleteMemoryAtoms(sessionId, [atom.id]);
    if (deleted > 0) log.add({ event: "deleted", sessionId, tokens });
  }

  async #deleteSession(task: Task): Promise<void> {
    const { log, storage } = this.#context;
    const { sessionId } = task.session;
    this.#task = undefined;
    log.add({ event: "deleting", sessionId });
    const isDeleted = await storage.deleteSession(sessionId);
    if (isDeleted) log.add({ event: "deleted", sessionId });
  }

  /** Sometimes it goes on with it too: then two write at the same time. */
  #handOver({ own, session }: Task): void {
    const last = own.findLast(({ isMessage }) => isMessage);
    if (last === undefined) return;
    this.#context.hand({ sessionId: session.sessionId, throughId: last.id });
    if (this.#random() < 0.7) this.#task = undefined;
  }

  /** The messages between which new ones belong: what the clock does not follow stays behind them. */
  #neighboursOfNew({ history }: Session): Neighbours {
    const messages = history.messages();
    const clockMs = this.#context.storage.clock.wallTimeMs();
    const after = messages.findLast(({ id }) => isFollowed(id, clockMs));
    const last = messages.at(-1);
    return { ...(after && { afterId: after.id }), ...(last !== after && last && { beforeId: last.id }) };
  }

  #attempt(task: Task, atoms: Task["unsaved"], neighbours?: Neighbours): void {
    task.unsaved.push(...atoms);
    this.#logAttempt(task.session.sessionId, atoms, neighbours);
  }

  /** To be called in the same breath as the ids are made: the clock may be set at any time. */
  #logAttempt(sessionId: string, atoms: Task["unsaved"], neighbours: Neighbours = {}): void {
    const { log, storage } = this.#context;
    const clock = { clockMs: storage.clock.wallTimeMs(), atMs: Date.now() };
    log.add({ event: "attempted", sessionId, atoms, ...neighbours, ...clock });
  }

  #acknowledged(tokens: string[], acceptedBy: readonly string[]): void {
    this.#context.log.add({ event: "acknowledged", atMs: Date.now(), tokens, acceptedBy: [...acceptedBy] });
  }

  /** Any error that is not a `MemoryError` is a fault of the code under test, and ends the process. */
  #note(error: unknown, sessionId: string): void {
    if (!MemoryError.isInstance(error)) throw error;
    const { operation = "unknown", code, message } = error;
    this.#context.log.add({ event: "failed", sessionId, operation, code, message });
  }
}
