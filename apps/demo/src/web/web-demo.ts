/** The failover story on a page, where the visitor stops the servers and continues the conversation. */
import { DatabaseManager } from "@rivet/db-manager";
import { startConsole, type RunningConsole } from "@rivet/memory-console";
import { Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { ProviderServers } from "../providers.ts";
import { Conversation } from "./conversation.ts";
import { modelFrom } from "./model.ts";
import { Stage } from "./stage.ts";

const FIRST_QUESTION = "The centrifuge in line 3 trips with F0002 when it slows down. What is it?";

export interface WebDemo extends AsyncDisposable {
  /** The address of the page; it contains the token. */
  readonly url: string;
  readonly origin: string;
}

export interface WebDemoOptions {
  readonly journalPath: string;
  /** The variables that may contain the API key of a model. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Starts three servers and the page; both end on disposal. */
export async function startWebDemo({ journalPath, environment }: WebDemoOptions): Promise<WebDemo> {
  const stack = new AsyncDisposableStack();
  try {
    const answer = await modelFrom(environment);
    const servers = stack.use(await ProviderServers.start());
    const db = stack.use(new DatabaseManager({ providers: servers.addresses, journalPath }));
    const storage = stack.adopt(await new PostgresMemoryStorage({ db, localReplica: true }).open(), (opened) =>
      opened.close(),
    );
    const session = new Session({ userId: "visitor", storage, metadata: { title: "Line 3, this shift" } });
    const conversation = new Conversation(session, storage, answer);
    await conversation.ask(FIRST_QUESTION);
    const shown = stack.adopt(await show(storage, session, conversation, new Stage(servers)), (page) => page.close());
    return { url: shown.url, origin: shown.origin, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function show(
  storage: PostgresMemoryStorage,
  { sessionId }: Session,
  conversation: Conversation,
  stage: Stage,
): Promise<RunningConsole> {
  return startConsole({
    storage,
    label: "three databases and a journal",
    panel: {
      title: "Stage",
      sessionId,
      state: () => ({
        sections: stage.sections(),
        prompt: { label: "Message", placeholder: "F0011, a noise, or: what if all are gone?" },
        note: "Stop, pause or cut off servers, all of them if you like, and go on talking.",
      }),
      act: (request) => (request.type === "prompt" ? conversation.ask(request.text) : stage.act(request.id)),
    },
  });
}
