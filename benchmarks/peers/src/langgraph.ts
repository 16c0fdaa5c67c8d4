import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import type { Place, Store } from "../../src/comparison/store.ts";
import { ANSWER, QUESTION } from "../../src/workload.ts";

/** A graph of one node that answers at once, with a checkpointer: how LangGraph keeps a conversation. */
export async function openStore({ url }: Place): Promise<Store> {
  const checkpointer = await checkpointerAt(url);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("answer", () => ({ messages: [new AIMessage(ANSWER)] }))
    .addEdge(START, "answer")
    .addEdge("answer", END)
    .compile({ checkpointer });
  return {
    openSession: async (threadId) => {
      const config = { configurable: { thread_id: threadId } };
      const messages = async (): Promise<unknown[]> => (await graph.getState(config)).values.messages;
      return {
        saveTurn: async () => {
          await graph.invoke({ messages: [new HumanMessage(QUESTION)] }, config);
        },
        fill: async (length) => {
          const update = { messages: Array.from({ length }, () => new HumanMessage(QUESTION)) };
          await graph.updateState(config, update, "answer");
        },
        load: async () => (await messages()).length,
        // A checkpoint is read whole.
        loadLast: async (count) => (await messages()).slice(-count).length,
      };
    },
    close: async () => {
      if (checkpointer instanceof PostgresSaver) await checkpointer.end();
    },
  };
}

async function checkpointerAt(url: string): Promise<PostgresSaver | SqliteSaver> {
  if (url.startsWith("sqlite:")) return SqliteSaver.fromConnString(url.slice("sqlite:".length));
  const checkpointer = PostgresSaver.fromConnString(url);
  await checkpointer.setup();
  return checkpointer;
}
