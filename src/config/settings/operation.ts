// Settings: what operators and their tools see of a running server, from outside: health, metrics, control.

import { ADDRESS } from "../address.ts";
import type { StatsdTarget } from "../config.ts";
import type { Address } from "../listener.ts";
import { duration } from "../quantity.ts";
import { type SettingsOf, SUPPORTED } from "../setting.ts";
import { parseStatsdHost } from "../statsd-host.ts";
import { MODE, repeated, SWITCH, scalar, text, type ValueType } from "../value-type.ts";

export interface OperationValues {
  readonly health: string;
  readonly health_access_log: boolean;
  readonly drain_delay: number | "auto";
  readonly metrics: readonly Address[];
  readonly statsd_host: StatsdTarget;
  readonly statsd_prefix: string;
  readonly dogstatsd_tags: string;
  readonly enable_backlog_metric: boolean;
  readonly control_socket: string;
  readonly control_socket_mode: number;
  readonly control_socket_disable: boolean;
}

const HEALTH_PREFIX = "/-/";

/** A path that begins and ends with a slash, or "". */
const HEALTH: ValueType<string> = scalar("PREFIX", `expected a path such as ${HEALTH_PREFIX}`, (value) => {
  const prefix = value.trim();
  if (prefix === "") return "";
  return /^\/(?:[\w.~-]+\/)*[\w.~-]*$/.test(prefix) ? prefix.replace(/\/?$/, "/") : undefined;
});

const WAIT = duration(0);
const DRAIN_DELAY: ValueType<number | "auto"> = {
  placeholder: "SECONDS|auto",
  repeats: false,
  read: (given) => (given === "auto" ? { ok: true, value: "auto" } : WAIT.read(given)),
  show: (value) => (value === "auto" ? value : WAIT.show(value)),
};

const STATSD_HOST: ValueType<StatsdTarget> = scalar(
  "HOST:PORT",
  "expected HOST:PORT or unix://PATH",
  parseStatsdHost,
  showStatsdHost,
);

function showStatsdHost(target: StatsdTarget): string {
  switch (target.kind) {
    case "off":
      return "";
    case "udp":
      return target.host.includes(":") ? `[${target.host}]:${target.port}` : `${target.host}:${target.port}`;
    case "unix":
      return `unix://${target.path}`;
  }
}

/** `name:value` or `name`, comma-separated, as they are appended to each metric. */
const TAGS: ValueType<string> = scalar("TAGS", "expected tags such as env:prod,team:shop", (value) =>
  /^[\x21-\x7b\x7d\x7e]*$/.test(value) ? value : undefined,
);

/** Ends in a dot unless it is empty, as gunicorn makes it. */
const METRIC_PREFIX: ValueType<string> = scalar("PREFIX", "expected a name such as shop.web", (value) =>
  /^[\w.-]*$/.test(value) ? value : undefined,
);

export const OPERATION_SETTINGS: SettingsOf<OperationValues> = {
  health: {
    section: "Operation",
    flags: ["--health"],
    bare: HEALTH_PREFIX,
    type: HEALTH,
    byDefault: "",
    defaultText: "off; /-/ without a value",
    doc: "Answer PREFIXlive and PREFIXready without a worker: live as long as the server answers at all; ready while a worker serves, the waiting line has room and no stop was asked for, else 503.",
    status: SUPPORTED,
  },
  health_access_log: {
    section: "Operation",
    flags: ["--health-access-log"],
    type: SWITCH,
    byDefault: false,
    doc: "Write health requests into the access log too.",
    status: SUPPORTED,
  },
  drain_delay: {
    section: "Operation",
    flags: ["--drain-delay"],
    type: DRAIN_DELAY,
    byDefault: "auto",
    defaultText: "auto: 5 in Kubernetes with --health, else 0",
    doc: "After TERM, how long new connections are still taken while readiness already fails and responses say Connection: close, so that load balancers can turn away first. It is part of --graceful-timeout, at most half of it.",
    status: SUPPORTED,
  },
  metrics: {
    section: "Operation",
    flags: ["--metrics"],
    type: repeated(ADDRESS),
    byDefault: [],
    doc: "Show metrics for Prometheus at /metrics of this address, of the whole server and of nothing else: docs/metrics.md. Take one that only the scraper reaches. Can be given several times.",
    status: SUPPORTED,
  },
  statsd_host: {
    section: "Operation",
    flags: ["--statsd-host"],
    type: STATSD_HOST,
    byDefault: { kind: "off" },
    doc: "Where to send gunicorn's metrics: HOST:PORT by UDP, or unix://PATH to a datagram socket.",
    status: SUPPORTED,
  },
  statsd_prefix: {
    section: "Operation",
    flags: ["--statsd-prefix"],
    type: METRIC_PREFIX,
    byDefault: "",
    doc: "What metric names begin with, before gunicorn.; a dot is put between.",
    status: SUPPORTED,
  },
  dogstatsd_tags: {
    section: "Operation",
    flags: ["--dogstatsd-tags"],
    type: TAGS,
    byDefault: "",
    doc: "Tags for all metrics, for dogstatsd: env:prod,team:shop.",
    status: SUPPORTED,
  },
  enable_backlog_metric: {
    section: "Operation",
    flags: ["--enable-backlog-metric"],
    type: SWITCH,
    byDefault: false,
    doc: "Send gunicorn.backlog once a second: the requests that wait for a worker, here in the server's own line, with gunicorn in the kernel's.",
    status: SUPPORTED,
  },
  control_socket: {
    section: "Operation",
    flags: ["--control-socket"],
    type: text("PATH"),
    byDefault: "",
    defaultText:
      "tunicorn.sock in the first of $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR, /run/tunicorn that can be written, else none",
    doc: "A Unix socket for tunicorn status, workers, requests, metrics, stack, reload, scale, stop and reopen.",
    status: SUPPORTED,
  },
  control_socket_mode: {
    section: "Operation",
    flags: ["--control-socket-mode"],
    type: MODE,
    byDefault: 0o600,
    doc: "Permission bits of the control socket.",
    status: SUPPORTED,
  },
  control_socket_disable: {
    section: "Operation",
    flags: ["--no-control-socket"],
    type: SWITCH,
    byDefault: false,
    doc: "Have no control socket.",
    status: SUPPORTED,
  },
};
