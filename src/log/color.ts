// Colours for people who watch a log in a terminal (ECMA-48 SGR). Files, pipes and JSON never get any, unless asked for.

import { isatty } from "node:tty";
import type { Config, LogLevel } from "../config/config.ts";
import { standardStream } from "./log-file.ts";

/** Whether lines that go to `path` are coloured; `dash` is what "-" stands for. */
export function wantsColors(
  useColors: Config["useColors"],
  path: string,
  dash: 1 | 2,
  isTerminal: (fd: number) => boolean = isatty,
): boolean {
  const stream = standardStream(path, dash);
  return useColors === "on" || (useColors === "auto" && stream !== undefined && isTerminal(stream));
}

const BOLD = 1;
const RED = 31;
const GREEN = 32;
const YELLOW = 33;
const BLUE = 34;
const CYAN = 36;
const BRIGHT_RED = 91;

const LEVEL_COLORS: Readonly<Record<LogLevel, number>> = {
  trace: BLUE,
  debug: CYAN,
  info: GREEN,
  warning: YELLOW,
  error: RED,
  critical: BRIGHT_RED,
};

export function coloredLevel(level: LogLevel): string {
  return paint(level.toUpperCase(), LEVEL_COLORS[level]);
}

export function bold(text: string): string {
  return paint(text, BOLD);
}

/** By what kind of answer a status is. */
export function coloredStatus(status: number, text: string): string {
  if (status < 200) return bold(text);
  if (status < 300) return paint(text, GREEN);
  if (status < 400) return paint(text, YELLOW);
  return paint(text, status < 500 ? RED : BRIGHT_RED);
}

function paint(text: string, color: number): string {
  return `\x1b[${color}m${text}\x1b[0m`;
}
