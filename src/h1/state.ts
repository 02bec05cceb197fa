// How far the request is on one HTTP/1.1 connection, server's side. Reading goes on independently of the answer (http/write-side.ts);
// the exchange is over when both are `done`.
//
//   head ──request──► body ──end──► done ──next cycle──► head
//                      └── no byte to come ──┴── upgrade() ──► upgraded
//   error: the peer broke the protocol · abandoned: the rest of a request is not wanted · closed: EOF
//   (these three and `upgraded` are final)

export type ReadState = "head" | "body" | "done" | "error" | "abandoned" | "closed" | "upgraded";

export const READ_TRANSITIONS: Readonly<Record<ReadState, readonly ReadState[]>> = {
  head: ["body", "error", "abandoned", "closed"],
  body: ["done", "error", "abandoned", "upgraded"],
  done: ["head", "upgraded"],
  error: [],
  abandoned: [],
  closed: [],
  upgraded: [],
};

/** Bytes that come in one of these states have no reader any more. */
export function isFinal(state: ReadState): boolean {
  return READ_TRANSITIONS[state].length === 0;
}
