// Signals only enqueue: the arbiter's loop takes them one at a time, after what came before.

/** Those that gunicorn's master knows (its documentation, "Signal Handling"). CHLD is libuv's. */
export const ARBITER_SIGNALS = [
  "SIGTERM",
  "SIGINT",
  "SIGQUIT",
  "SIGHUP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGUSR1",
  "SIGUSR2",
  "SIGWINCH",
] as const;
export type ArbiterSignal = (typeof ARBITER_SIGNALS)[number];

/** Answers how to stop listening. */
export function listenToSignals(onSignal: (signal: ArbiterSignal) => void): () => void {
  const listeners = ARBITER_SIGNALS.map((signal) => ({ signal, listener: () => onSignal(signal) }));
  for (const { signal, listener } of listeners) process.on(signal, listener);
  return () => {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  };
}
