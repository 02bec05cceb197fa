// The server's own log: gunicorn's line form, or JSON. Written at once, so that the last line before a death is there.
// A sink that fails never disturbs the server: lost lines are counted and reported when it works again.

import type { Config, LogLevel } from "../config/config.ts";
import { coloredLevel, wantsColors } from "./color.ts";
import { escapeLine } from "./escape.ts";
import type { Log, LogField, LogFields } from "./log.ts";
import { errorCode, type LogFiles, LogTarget, NODE_LOG_FILES } from "./log-file.ts";
import { errorTime, perSecond } from "./log-time.ts";

export interface ErrorLog extends Log {
  /** Opens the file anew after a rotation. */
  reopen(): void;
  /** From now on as this Config asks for. A file that cannot be opened leaves the one before in use, and is named there. */
  reconfigure(config: Config): void;
  close(): void;
}

export interface ErrorLogSettings {
  readonly level: LogLevel;
  readonly json: boolean;
  /** "-" stderr, else a file. */
  readonly path: string;
  /** Colours the level of text lines. */
  readonly colors?: boolean;
}

export interface ErrorLogOptions extends ErrorLogSettings {
  readonly pid: number;
  readonly files?: LogFiles;
  /** Wall clock, Unix milliseconds. */
  readonly now?: () => number;
}

const LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warning", "error", "critical"];

/** The error log that a Config asks for. Throws when the file cannot be opened. */
export function openErrorLogOf(config: Config, pid: number): ErrorLog {
  return openErrorLog({ ...settingsOf(config), pid });
}

function settingsOf(config: Config): ErrorLogSettings {
  const colors = wantsColors(config.useColors, config.errorLog, 2);
  return { path: config.errorLog, level: config.logLevel, json: config.logJson, colors };
}

/** Throws when the file cannot be opened. */
export function openErrorLog(options: ErrorLogOptions): ErrorLog {
  return new LineLog(options);
}

/** Bytes that wait for a sink that is full at the moment (EAGAIN); further lines are lost. */
const PENDING_BYTES_MAX = 256 * 1024;
/** How long until they are tried again when no further line comes. */
const RETRY_DELAY_MS = 50;

class LineLog implements ErrorLog {
  readonly #pid: number;
  readonly #files: LogFiles;
  #settings: ErrorLogSettings;
  #target: LogTarget;
  #levelMin: number;
  readonly #now: () => number;
  readonly #time = perSecond(errorTime);
  #pending: Buffer = Buffer.alloc(0);
  #retry: NodeJS.Timeout | undefined;
  #linesLost = 0;
  #lossCause = "";

  constructor(options: ErrorLogOptions) {
    this.#pid = options.pid;
    this.#settings = options;
    this.#files = options.files ?? NODE_LOG_FILES;
    this.#target = new LogTarget(options.path, 2, this.#files);
    this.#levelMin = LEVELS.indexOf(options.level);
    this.#now = options.now ?? Date.now;
  }

  trace(event: string, fields?: LogFields): void {
    this.#log("trace", event, fields);
  }

  debug(event: string, fields?: LogFields): void {
    this.#log("debug", event, fields);
  }

  info(event: string, fields?: LogFields): void {
    this.#log("info", event, fields);
  }

  warning(event: string, fields?: LogFields): void {
    this.#log("warning", event, fields);
  }

  error(event: string, fields?: LogFields): void {
    this.#log("error", event, fields);
  }

  critical(event: string, fields?: LogFields): void {
    this.#log("critical", event, fields);
  }

  reopen(): void {
    try {
      this.#target.reopen();
    } catch (error) {
      this.error("log file not reopened", { path: this.#target.path, cause: errorCode(error) });
    }
  }

  reconfigure(config: Config): void {
    const settings = settingsOf(config);
    this.#settings = settings;
    this.#levelMin = LEVELS.indexOf(settings.level);
    if (settings.path !== this.#target.path) this.#moveTo(settings.path);
  }

  #moveTo(path: string): void {
    try {
      const target = new LogTarget(path, 2, this.#files);
      this.#flush();
      this.#target.close();
      this.#target = target;
    } catch (error) {
      const used = this.#target.path;
      this.error("log file not opened; the one before stays in use", { path, used, cause: errorCode(error) });
    }
  }

  close(): void {
    this.#flush();
    clearTimeout(this.#retry);
    this.#pending = Buffer.alloc(0);
    this.#target.close();
  }

  #log(level: LogLevel, event: string, fields: LogFields | undefined): void {
    if (LEVELS.indexOf(level) < this.#levelMin) return;
    this.#flush();
    if (this.#linesLost > 0 && this.#pending.length === 0 && this.#write(this.#lossLine()))
      this.#linesLost = 0;
    if (!this.#write(this.#line(level, event, fields))) this.#linesLost += 1;
  }

  #line(level: LogLevel, event: string, fields: LogFields | undefined): Buffer {
    const { json, colors } = this.#settings;
    const pid = this.#pid;
    const now = this.#now();
    const text = json
      ? jsonLine(new Date(now).toISOString(), level, pid, event, fields)
      : `${this.#time(now)} [${pid}] [${colors === true ? coloredLevel(level) : level.toUpperCase()}] ${textLine(event, fields)}`;
    return Buffer.from(`${text}\n`);
  }

  #lossLine(): Buffer {
    return this.#line("warning", "log lines lost", { lines: this.#linesLost, cause: this.#lossCause });
  }

  /** False when the line is lost. */
  #write(bytes: Buffer): boolean {
    if (this.#pending.length > 0) return this.#hold(bytes, "EAGAIN");
    try {
      const written = this.#files.writeSync(this.#target.fd, bytes, 0);
      return written === bytes.length || this.#hold(bytes.subarray(written), "EAGAIN");
    } catch (error) {
      return this.#failed(bytes, errorCode(error));
    }
  }

  #failed(bytes: Buffer, cause: string): boolean {
    this.#lossCause = cause;
    return cause === "EAGAIN" && this.#hold(bytes, cause);
  }

  /** Keeps bytes for the next line's turn, within the limit. */
  #hold(bytes: Buffer, cause: string): boolean {
    this.#lossCause = cause;
    if (this.#pending.length + bytes.length > PENDING_BYTES_MAX) return false;
    this.#pending = Buffer.concat([this.#pending, bytes]);
    this.#retryLater();
    return true;
  }

  #retryLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, RETRY_DELAY_MS).unref();
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    try {
      const written = this.#files.writeSync(this.#target.fd, this.#pending, 0);
      this.#pending = this.#pending.subarray(written);
    } catch (error) {
      this.#flushFailed(errorCode(error));
    }
    if (this.#pending.length > 0) this.#retryLater();
  }

  /** Full again: the bytes wait on. Anything else: the sink is gone, and they with it; the count says so later. */
  #flushFailed(cause: string): void {
    if (cause === "EAGAIN") return;
    this.#linesLost += this.#pending.toString().split("\n").length - 1;
    this.#lossCause = cause;
    this.#pending = Buffer.alloc(0);
  }
}

/** Fields whose lines are shown below the event, for people to read; indented, so none can pass for an event. */
const BLOCK_FIELDS: ReadonlySet<string> = new Set(["traceback", "stacks"]);

/** `event key=value`, in one line but for the block fields. */
export function textLine(event: string, fields: LogFields = {}): string {
  let line = escapeLine(event);
  let blocks = "";
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (BLOCK_FIELDS.has(name) && typeof value === "string") blocks += block(value);
    else line += ` ${name}=${fieldText(value)}`;
  }
  return line + blocks;
}

function block(text: string): string {
  const lines = text.replace(/\n+$/, "").split("\n");
  return lines.map((line) => `\n    ${escapeLine(line.replaceAll("\t", "    "))}`).join("");
}

function fieldText(value: LogField): string {
  if (typeof value === "string") return quoted(value);
  return Array.isArray(value) ? quoted(value.map(itemText).join(", ")) : String(value);
}

function itemText(item: unknown): string {
  return typeof item === "string" ? item : JSON.stringify(item);
}

/** Bare when it cannot be misread, else in quotes with `"` and `\` escaped. */
function quoted(text: string): string {
  if (/^[\w./:@%+,*~#?&()[\]{}<>!-]+$/.test(text)) return text;
  return `"${escapeLine(text.replace(/["\\]/g, "\\$&"))}"`;
}

/** One JSON object; the event's fields beside the line's own, which win. `pid` is who writes, `childPid` who is written of. */
function jsonLine(time: string, level: LogLevel, pid: number, event: string, fields: LogFields = {}): string {
  const { pid: childPid, ...others } = fields;
  const line = JSON.stringify({ ...others, childPid, time, level, pid, event });
  return line.replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
