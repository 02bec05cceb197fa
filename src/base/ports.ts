// The doors to the world that more than one room needs. Rooms get them as arguments, so that tests can drive them.
// All lengths of time are milliseconds.

export interface Timer {
  /** Harmless after the call-back and when repeated. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic; only differences mean something. */
  nowMs(): number;
  /** Unix time. */
  unixMs(): number;
  /** Calls back once. Never keeps the process alive. */
  after(delayMs: number, callBack: () => void): Timer;
}
