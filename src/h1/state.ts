// The states of one HTTP/1.1 connection, server's side. Reading and writing go on independently of each other; the exchange is
// over when both are `done`.
//
//   read    head ──request──► body ──end──► done ──next cycle──► head
//                              └── no byte to come ──┴── upgrade() ──► upgraded
//           error: the peer broke the protocol · abandoned: the rest of a request is not wanted · closed: EOF
//           (these three and `upgraded` are final)
//
//   write   idle ──request or error──► owed ──response head──► body ──its end──► done ──next cycle──► idle

export type ReadState = "head" | "body" | "done" | "error" | "abandoned" | "closed" | "upgraded";

export type WriteState = "idle" | "owed" | "body" | "done";

export const READ_TRANSITIONS: Readonly<Record<ReadState, readonly ReadState[]>> = {
  head: ["body", "error", "abandoned", "closed"],
  body: ["done", "error", "abandoned", "upgraded"],
  done: ["head", "upgraded"],
  error: [],
  abandoned: [],
  closed: [],
  upgraded: [],
};

export const WRITE_TRANSITIONS: Readonly<Record<WriteState, readonly WriteState[]>> = {
  idle: ["owed"],
  owed: ["body", "done"],
  body: ["done"],
  done: ["idle"],
};

/** Bytes that come in one of these states have no reader any more. */
export function isFinal(state: ReadState): boolean {
  return READ_TRANSITIONS[state].length === 0;
}
