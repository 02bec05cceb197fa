// What the tests of file handlers share.

import type { Log, LogFields } from "../../../../src/log/log.ts";

export interface QuietLog extends Log {
  readonly text: string;
}

/** Keeps its lines to itself. */
export function quietLog(): QuietLog {
  let text = "";
  const line = (event: string, fields: LogFields = {}): void => {
    text += `${event} ${JSON.stringify(fields)}\n`;
  };
  const levels = { trace: line, debug: line, info: line, warning: line, error: line, critical: line };
  return Object.defineProperty(levels, "text", { get: () => text }) as unknown as QuietLog; // defined one line above
}
