/**
 * A technician's assistant without a model or network: it answers questions about a few faults of drives, and admits
 * when it has no answer.
 */
import type { JsonObject } from "@rivet/memory-core";

/** An answer, with the actions before and after it. */
export interface Reply {
  /** The parameter to read from the drive first, if any. */
  readonly lookUp?: { readonly parameter: string; readonly value: string };
  readonly text: string;
  /** The decision to save as an atom next to the conversation. */
  readonly decision?: JsonObject;
}

interface Topic {
  readonly words: RegExp;
  readonly reply: Reply;
}

const TOPICS: readonly Topic[] = [
  {
    words: /f0?0?02|overvolt|ramp|brak/i,
    reply: {
      lookUp: { parameter: "P1121", value: "2 s" },
      text: "F0002 is an overvoltage of the DC link: the load pushes energy back while it slows down. The ramp-down time is 2 s, which is short for this inertia. Set P1121 to 8 s and try three stops.",
      decision: {
        topic: "lengthen the ramp-down to 8 s",
        confidence: 0.86,
        reasons: ["inertia", "F0002 at deceleration"],
      },
    },
  },
  {
    words: /f0?0?11|overheat|temperature|\bhot\b/i,
    reply: {
      lookUp: { parameter: "r0035", value: "148 °C" },
      text: "F0011 is the motor's temperature: it stands at 148 °C. Let it cool, look at its fan and at the load over the last hour, and lower the current limit if the load is as it should be.",
      decision: { topic: "check fan and load before a restart", confidence: 0.74, reasons: ["148 °C", "F0011"] },
    },
  },
  {
    words: /noise|vibrat|bearing/i,
    reply: {
      text: "A noise that follows the speed points to a bearing. Note the speed at which it is loudest, and have the bearing measured before the next shift.",
      decision: { topic: "measure the bearing", confidence: 0.6, reasons: ["noise follows the speed"] },
    },
  },
  {
    words: /fail ?over|database|server|lost|gone|down/i,
    reply: {
      text: "Whatever you do to the three servers, I remember this conversation: what a server has acknowledged reaches the others, and while none answers a local journal keeps it. Look at the providers on this page.",
    },
  },
  {
    words: /thank|bye|solved|done/i,
    reply: { text: "Good. I have noted it, so that the next shift can read it here." },
  },
];

const UNKNOWN: Reply = {
  text: "I know F0002, F0011 and noises of bearings, and nothing of that. Tell me the fault code on the panel, or stop a server and see whether I forget.",
};

/** Answers a question. Pure: the same words get the same answer. */
export function replyTo(question: string): Reply {
  return TOPICS.find(({ words }) => words.test(question))?.reply ?? UNKNOWN;
}
