// The access log's lines on their way out: gathered for up to 100 ms or 64 KiB, then one write in the background.
// Memory is bounded: beyond the limit lines are dropped, counted, and the count is said in the error log.

import type { Config } from "../config/config.ts";
import { compileAccessFormat, type FormatAccess, formatAccessJson } from "./access-format.ts";
import type { AccessLog, AccessRecord } from "./access-record.ts";
import { wantsColors } from "./color.ts";
import type { Log } from "./log.ts";
import { errorCode, type LogFiles, LogTarget, NODE_LOG_FILES } from "./log-file.ts";

export interface AccessWriterOptions {
  /** "-" stdout, else a file. */
  readonly path: string;
  readonly format: string;
  readonly json: boolean;
  /** Colours uvicorn's form; others have none. */
  readonly colors?: boolean;
  readonly log: Log;
  readonly files?: LogFiles;
}

/** Gathered bytes that start a write at once. */
const BATCH_BYTES = 64 * 1024;
const BATCH_DELAY_MS = 100;
/** Bytes held while a write is under way. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;
/** How long to wait before a sink that is full (EAGAIN) is tried again. */
const RETRY_DELAY_MS = 50;
/** How long `close` waits for a sink that takes nothing. */
const CLOSE_DEADLINE_MS = 2000;

/** The access log that a Config asks for; undefined when it wants none. Throws when the file cannot be opened. */
export function openAccessLogOf(config: Config, log: Log): AccessLog | undefined {
  const { accessLog: path, accessLogFormat: format, accessLogJson: json } = config;
  const colors = wantsColors(config.useColors, path, 1);
  return path === "" ? undefined : openAccessLog({ path, format, json, colors, log });
}

/** Throws when the file cannot be opened. */
export function openAccessLog(options: AccessWriterOptions): AccessLog {
  return new AccessWriter(options);
}

class AccessWriter implements AccessLog {
  readonly #format: FormatAccess;
  readonly #files: LogFiles;
  readonly #target: LogTarget;
  readonly #log: Log;
  /** ASCII only: a character is a byte. */
  #text = "";
  #lines = 0;
  /** The batch being written; undefined when idle. */
  #batch: Batch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #linesLost = 0;
  #lossCause = "";
  #reopenWanted = false;
  #isClosed = false;
  #closed: (() => void) | undefined;

  constructor(options: AccessWriterOptions) {
    this.#format = options.json ? formatAccessJson : compileAccessFormat(options.format, options.colors);
    this.#files = options.files ?? NODE_LOG_FILES;
    this.#target = new LogTarget(options.path, 1, this.#files);
    this.#log = options.log;
  }

  record(entry: AccessRecord): void {
    if (this.#isClosed) return;
    if (this.#text.length > HELD_BYTES_MAX) {
      this.#lose(1, "buffer-full");
      return;
    }
    this.#text += `${this.#format(entry)}\n`;
    this.#lines += 1;
    if (this.#batch !== undefined) return; // its end looks for more
    if (this.#text.length >= BATCH_BYTES) this.#startBatch();
    else this.#timer ??= setTimeout(this.#onTimer, BATCH_DELAY_MS).unref();
  }

  reopen(): void {
    if (this.#batch !== undefined) this.#reopenWanted = true;
    else this.#reopenNow();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#batch === undefined) this.#startBatch();
    if (this.#batch !== undefined) await this.#untilIdle();
    this.#clearTimer();
    this.#sayLoss();
    this.#target.close();
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    if (this.#batch === undefined) this.#startBatch();
    else this.#writeBatch(this.#batch);
  };

  #untilIdle(): Promise<void> {
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, CLOSE_DEADLINE_MS);
      this.#closed = () => {
        clearTimeout(deadline);
        resolve();
      };
    });
  }

  #startBatch(): void {
    this.#clearTimer();
    if (this.#lines === 0) return;
    this.#batch = { bytes: Buffer.from(this.#text, "latin1"), lines: this.#lines, written: 0 };
    this.#text = "";
    this.#lines = 0;
    this.#writeBatch(this.#batch);
  }

  #writeBatch(batch: Batch): void {
    this.#files.write(this.#target.fd, batch.bytes, batch.written, (error, written) => {
      if (error === null) batch.written += written;
      this.#afterWrite(batch, error);
    });
  }

  #afterWrite(batch: Batch, error: NodeJS.ErrnoException | null): void {
    if (error?.code === "EAGAIN") this.#timer ??= setTimeout(this.#onTimer, RETRY_DELAY_MS).unref();
    else if (error !== null) this.#endBatch(() => this.#failed(batch, errorCode(error)));
    else if (batch.written < batch.bytes.length) this.#writeBatch(batch);
    else this.#endBatch(() => this.#sayLoss());
  }

  #failed(batch: Batch, cause: string): void {
    if (this.#linesLost === 0)
      this.#log.error("access log cannot be written", { path: this.#target.path, cause });
    this.#lose(batch.lines, cause);
  }

  #endBatch(say: () => void): void {
    say();
    this.#batch = undefined;
    if (this.#reopenWanted) this.#reopenNow();
    if (this.#text.length >= BATCH_BYTES || this.#isClosed) this.#startBatch();
    else if (this.#lines > 0) this.#timer ??= setTimeout(this.#onTimer, BATCH_DELAY_MS).unref();
    if (this.#batch === undefined) this.#closed?.();
  }

  #reopenNow(): void {
    this.#reopenWanted = false;
    try {
      this.#target.reopen();
    } catch (error) {
      this.#log.error("access log not reopened", { path: this.#target.path, cause: errorCode(error) });
    }
  }

  #lose(lines: number, cause: string): void {
    this.#linesLost += lines;
    this.#lossCause = cause;
  }

  #sayLoss(): void {
    if (this.#linesLost === 0) return;
    this.#log.warning("access log lines lost", { lines: this.#linesLost, cause: this.#lossCause });
    this.#linesLost = 0;
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

interface Batch {
  readonly bytes: Buffer;
  readonly lines: number;
  written: number;
}
