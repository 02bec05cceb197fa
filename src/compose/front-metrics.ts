// What a front measures, hung on the records it makes anyway: one for each exchange that ended.

import type { Clock } from "../base/ports.ts";
import type { Config } from "../config/config.ts";
import { healthPaths } from "../handlers/health.ts";
import type { AccessLog, AccessRecord } from "../log/access-record.ts";
import type { Log, LogFields } from "../log/log.ts";
import { BACKLOG, measureLogLine, measureRequest } from "../metrics/gunicorn.ts";
import { StatsdSender } from "../metrics/statsd-sender.ts";

const BACKLOG_LOOK_MS = 1_000;

export interface FrontMetricsOptions {
  readonly config: Config["statsd"];
  readonly clock: Clock;
  readonly log: Log;
  /** Requests that wait for a worker. */
  waiting(): number;
  sendUnix(address: string, text: string): void;
}

/** Undefined where no metrics are asked for. */
export function openFrontMetrics(options: FrontMetricsOptions): StatsdSender | undefined {
  const { config, clock, log } = options;
  if (config.target.kind === "off") return undefined;
  const sender = new StatsdSender({
    config,
    clock,
    sendUnix: (address, text) => options.sendUnix(address, text),
    onProblem: (problem) => log.warning("metrics cannot be sent", { problem }),
  });
  if (config.hasBacklog) watchBacklog(sender, options);
  return sender;
}

/** The first look is a while away: whoever opens the metrics has no waiting line yet. */
function watchBacklog(sender: StatsdSender, options: FrontMetricsOptions): void {
  options.clock.after(BACKLOG_LOOK_MS, () => {
    sender.batch.spread(BACKLOG, options.waiting());
    sender.want();
    watchBacklog(sender, options);
  });
}

/** Health requests are no requests of the application: they are measured never, and logged only when that is asked for. */
export class RecordTee implements AccessLog {
  readonly #log: AccessLog | undefined;
  readonly #metrics: StatsdSender | undefined;
  readonly #healthPaths: ReadonlySet<string>;
  readonly #logsHealth: boolean;

  constructor(config: Config, log: AccessLog | undefined, metrics: StatsdSender | undefined) {
    this.#log = log;
    this.#metrics = metrics;
    this.#healthPaths = new Set(config.health === "" ? [] : Object.values(healthPaths(config.health)));
    this.#logsHealth = config.healthAccessLog;
  }

  record(entry: AccessRecord): void {
    const isHealth = entry.head !== undefined && this.#healthPaths.has(entry.head.path);
    if (!isHealth || this.#logsHealth) this.#log?.record(entry);
    if (isHealth || this.#metrics === undefined) return;
    measureRequest(this.#metrics.batch, entry);
    this.#metrics.want();
  }

  reopen(): void {
    this.#log?.reopen();
  }

  async close(): Promise<void> {
    this.#metrics?.close();
    await this.#log?.close();
  }
}

/** The access log of a front that is asked for one, for metrics, or for both. */
export function recordsOf(
  config: Config,
  log: AccessLog | undefined,
  metrics: StatsdSender | undefined,
): AccessLog | undefined {
  if (metrics === undefined && (log === undefined || config.health === "")) return log;
  return new RecordTee(config, log, metrics);
}

/** A log whose warnings and errors are counted, as gunicorn counts its own. */
export function countedLog(log: Log, metrics: StatsdSender | undefined): Log {
  if (metrics === undefined) return log;
  const counted = (level: "critical" | "error" | "warning") => (event: string, fields?: LogFields) => {
    measureLogLine(metrics.batch, level);
    metrics.want();
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
