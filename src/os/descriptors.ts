// How many clients the limit of open files has room for: workers must still find the front, and bodies their files.

import type { ReadText } from "./read-text.ts";

/** What a front holds open beside clients, workers and files of requests: listeners, logs, Node's own. */
const OWN = 48;
/** Wire and aside, of an old worker and of its successor. */
const PER_WORKER = 4;
/** The share that is left to files of requests and responses. */
const FILES_SHARE = 1 / 8;
/** With a limit this low nothing is right any more. */
const CLIENTS_MIN = 8;

/** Infinite where nothing can be known. */
export function clientsThatFit(readText: ReadText, workersMax: number): number {
  const limit = /^Max open files\s+(\d+)/m.exec(readText("/proc/self/limits") ?? "")?.[1];
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  const others = Math.max(OWN + PER_WORKER * workersMax, Math.ceil(Number(limit) * FILES_SHARE));
  return Math.max(CLIENTS_MIN, Number(limit) - others);
}
