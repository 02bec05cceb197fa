// What a front writes down: its log, the access log, and metrics, which hang on the records of these. Each may be given other
// settings while the front runs.

import { isDeepStrictEqual } from "node:util";
import type { Clock, Timer } from "../base/ports.ts";
import type { Config } from "../config/config.ts";
import { healthPaths } from "../handlers/health.ts";
import { AccessFilter } from "../log/access-filter.ts";
import type { AccessLog, AccessRecord } from "../log/access-record.ts";
import { openAccessLogOf } from "../log/access-writer.ts";
import { type ErrorLog, openErrorLogOf } from "../log/error-log.ts";
import type { Log, LogFields } from "../log/log.ts";
import { BACKLOG, measureLogLine, measureRequest } from "../metrics/gunicorn.ts";
import { StatsdSender } from "../metrics/statsd-sender.ts";

const BACKLOG_LOOK_MS = 1_000;

interface Figures {
  record(entry: AccessRecord): void;
}

interface Meters {
  readonly statsd: StatsdSender | undefined;
  readonly figures: Figures | undefined;
}

export interface FrontRecordsOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly pid: number;
  /** Told of requests where --metrics shows them. */
  readonly figures: Figures;
  /** Requests that wait for a worker. */
  waiting(): number;
  sendUnix(text: string): void;
}

export class FrontRecords {
  /** Warnings and errors are counted, as gunicorn counts its own. */
  readonly log: Log;
  readonly #options: FrontRecordsOptions;
  readonly #errorLog: ErrorLog;
  #config: Config;
  #accessLog: AccessLog | undefined;
  #metrics: StatsdSender | undefined;
  #backlogTimer: Timer | undefined;

  /** Throws when a log's file cannot be opened. */
  constructor(options: FrontRecordsOptions) {
    const { config } = options;
    this.#options = options;
    this.#config = config;
    this.#errorLog = openErrorLogOf(config, options.pid);
    this.log = this.#counted(this.#errorLog);
    this.#metrics = this.#openMetrics();
    this.#accessLog = openAccessLogOf(config, this.#errorLog);
  }

  /** What exchanges that end are to be told to; undefined where nobody wants to know. */
  get access(): AccessLog | undefined {
    const log = this.#accessLog;
    const { health, listeners } = this.#config;
    const figures = listeners.some(({ servesMetrics }) => servesMetrics) ? this.#options.figures : undefined;
    const isMeasured = this.#metrics !== undefined || figures !== undefined;
    const isSelective = health !== "" || AccessFilter.of(this.#config) !== undefined;
    if (!isMeasured && (log === undefined || !isSelective)) return log;
    return new RecordTee(this.#config, log, { statsd: this.#metrics, figures });
  }

  /** From now on. Other than at the start, a file that cannot be opened leaves the one before in use. */
  reconfigure(config: Config): void {
    const before = this.#config;
    this.#config = config;
    this.#errorLog.reconfigure(config);
    if (!isDeepStrictEqual(accessOf(before), accessOf(config))) this.#reopenAccessLog();
    if (isDeepStrictEqual(before.statsd, config.statsd)) return;
    this.#closeMetrics();
    this.#metrics = this.#openMetrics();
  }

  #reopenAccessLog(): void {
    const before = this.#accessLog;
    try {
      this.#accessLog = openAccessLogOf(this.#config, this.#errorLog);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      this.#errorLog.error("access log not opened; the one before stays in use", { cause });
      return;
    }
    void before?.close();
  }

  #openMetrics(): StatsdSender | undefined {
    const { clock, sendUnix } = this.#options;
    const { statsd } = this.#config;
    if (statsd.target.kind === "off") return undefined;
    const sender = new StatsdSender({
      config: statsd,
      clock,
      sendUnix: (_address, text) => sendUnix(text),
      onProblem: (problem) => this.#errorLog.warning("metrics cannot be sent", { problem }),
    });
    if (statsd.hasBacklog) this.#watchBacklog(sender);
    return sender;
  }

  /** The first look is a while away: whoever opens the metrics has no waiting line yet. */
  #watchBacklog(sender: StatsdSender): void {
    this.#backlogTimer = this.#options.clock.after(BACKLOG_LOOK_MS, () => {
      sender.batch.spread(BACKLOG, this.#options.waiting());
      sender.want();
      this.#watchBacklog(sender);
    });
  }

  #closeMetrics(): void {
    this.#backlogTimer?.cancel();
    this.#metrics?.close();
    this.#metrics = undefined;
  }

  #counted(log: Log): Log {
    const counted = (level: "critical" | "error" | "warning") => (event: string, fields?: LogFields) => {
      const metrics = this.#metrics;
      if (metrics !== undefined) {
        measureLogLine(metrics.batch, level);
        metrics.want();
      }
      log[level](event, fields);
    };
    return {
      trace: (event, fields) => log.trace(event, fields),
      debug: (event, fields) => log.debug(event, fields),
      info: (event, fields) => log.info(event, fields),
      warning: counted("warning"),
      error: counted("error"),
      critical: counted("critical"),
    };
  }

  reopen(): void {
    this.#errorLog.reopen();
    this.#accessLog?.reopen();
  }

  async close(): Promise<void> {
    this.#closeMetrics();
    await this.#accessLog?.close();
    this.#errorLog.close();
  }
}

function accessOf({ accessLog, accessLogFormat, accessLogJson, useColors }: Config): readonly unknown[] {
  return [accessLog, accessLogFormat, accessLogJson, useColors];
}

/** Health requests are no requests of the application: they are measured never, and logged only when that is asked for. */
class RecordTee implements AccessLog {
  readonly #log: AccessLog | undefined;
  readonly #meters: Meters;
  readonly #healthPaths: ReadonlySet<string>;
  readonly #logsHealth: boolean;
  readonly #filter: AccessFilter | undefined;

  constructor(config: Config, log: AccessLog | undefined, meters: Meters) {
    this.#log = log;
    this.#meters = meters;
    this.#healthPaths = new Set(config.health === "" ? [] : Object.values(healthPaths(config.health)));
    this.#logsHealth = config.healthAccessLog;
    this.#filter = AccessFilter.of(config);
  }

  record(entry: AccessRecord): void {
    const isHealth = entry.head !== undefined && this.#healthPaths.has(entry.head.path);
    const isWritten = (!isHealth || this.#logsHealth) && this.#filter?.admits(entry) !== false;
    if (isWritten) this.#log?.record(entry);
    if (isHealth) return;
    const { statsd, figures } = this.#meters;
    figures?.record(entry);
    if (statsd === undefined) return;
    measureRequest(statsd.batch, entry);
    statsd.want();
  }

  reopen(): void {
    this.#log?.reopen();
  }

  async close(): Promise<void> {
    await this.#log?.close();
  }
}
