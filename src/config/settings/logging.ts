// Settings: the error log and the access log.

import { ACCESS_FORMAT } from "../access-grammar.ts";
import type { LogLevel } from "../config.ts";
import { duration } from "../quantity.ts";
import { inert, refused, type SettingsOf, SUPPORTED } from "../setting.ts";
import {
  accept,
  choice,
  commaList,
  type Given,
  reject,
  SWITCH,
  scalar,
  text,
  type ValueType,
} from "../value-type.ts";

export interface LoggingValues {
  readonly errorlog: string;
  readonly loglevel: LogLevel;
  readonly log_json: boolean;
  readonly accesslog: string;
  readonly access_log_format: string;
  readonly access_log_json: boolean;
  readonly access_log_except: readonly string[];
  readonly access_log_slower_than: number;
  readonly capture_output: boolean;
  readonly logger_class: string;
  readonly logconfig: string;
  readonly logconfig_json: string;
  readonly logconfig_dict: Readonly<Record<string, Given>>;
  readonly use_colors: "auto" | "on" | "off";
  readonly syslog: boolean;
  readonly syslog_addr: string;
  readonly syslog_prefix: string;
  readonly syslog_facility: string;
  readonly disable_redirect_access_to_syslog: boolean;
}

const PATH_PATTERN: ValueType<string> = scalar(
  "PATH",
  "expected a path such as /healthz or /static/*",
  (path) => (/^\/[^*\s]*\*?$/.test(path) ? path : undefined),
);

const LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warning", "error", "critical"];
const LEVEL = choice(LEVELS);

/** Python's second name for warning is taken too. */
const LOG_LEVEL: ValueType<LogLevel> = {
  ...LEVEL,
  read: (given) =>
    LEVEL.read(typeof given === "string" && given.toLowerCase() === "warn" ? "warning" : given),
};

/** gunicorn's combined-like default. */
export const ACCESS_FORMAT_DEFAULT = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"';

/** uvicorn's one form. */
export const ACCESS_FORMAT_UVICORN = 'INFO:     %(C)s - "%(r)s" %(s)s %(O)s';

/** Of `tunicorn dev`, which aligns and colours it (log/development-format.ts). */
export const ACCESS_FORMAT_DEVELOPMENT = "%(t)s %(m)s %(s)s %(M)sms %(U)s";

/** gunicorn's own. Naming it asks for nothing. */
export const LOGGER_CLASS_DEFAULT = "gunicorn.glogging.Logger";

const LOGGER_CLASS: ValueType<string> = scalar("CLASS", "expected MODULE.CLASS", (value) => {
  const name = value.trim().replace(":", ".");
  return /^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)+$/u.test(name) ? name : undefined;
});

/** Python's dict, from a configuration file. */
const DICTIONARY: ValueType<Readonly<Record<string, Given>>> = {
  placeholder: "DICT",
  repeats: false,
  read: (given) =>
    typeof given === "object" && given !== null && !Array.isArray(given)
      ? accept(given as Readonly<Record<string, Given>>) // neither a list nor a scalar
      : reject("expected a dictionary"),
  show: (value) => (Object.keys(value).length === 0 ? "" : JSON.stringify(value)),
};

const NO_SYSLOG = inert("nothing is sent to syslog");
const SYSLOG = refused("logging to syslog", "log to stderr; systemd and container engines collect it");

export const LOGGING_SETTINGS: SettingsOf<LoggingValues> = {
  errorlog: {
    section: "Logging",
    flags: ["--error-logfile", "--log-file"],
    type: text("FILE"),
    byDefault: "-",
    defaultText: "-: stderr",
    doc: "Where the server's own log goes; - is stderr.",
    status: SUPPORTED,
  },
  loglevel: {
    section: "Logging",
    flags: ["--log-level"],
    uvicorn: ["--log-level"],
    type: LOG_LEVEL,
    byDefault: "info",
    doc: "The least severe lines to log.",
    status: SUPPORTED,
  },
  log_json: {
    section: "Logging",
    flags: ["--log-json"],
    type: SWITCH,
    byDefault: false,
    doc: "Write the server's own log as JSON, one object a line; pid is the process that writes, childPid the one that is written of.",
    status: SUPPORTED,
  },
  accesslog: {
    section: "Logging",
    flags: ["--access-logfile"],
    uvicorn: ["--access-log", "--no-access-log"],
    fixed: { "--access-log": "-", "--no-access-log": "" },
    type: text("FILE"),
    byDefault: "",
    defaultText: "none; stdout where a flag or variable that only uvicorn has is used",
    doc: "Where a line for each request goes; - is stdout. --access-log is stdout in uvicorn's form, which --log-level warning and above silence as uvicorn does.",
    status: SUPPORTED,
  },
  access_log_format: {
    section: "Logging",
    flags: ["--access-logformat"],
    type: ACCESS_FORMAT,
    byDefault: ACCESS_FORMAT_DEFAULT,
    doc: "The form of an access line. Atoms: %(h)s address, %(l)s -, %(u)s user, %(t)s time, %(r)s request line, %(m)s method, %(U)s path, %(q)s query, %(H)s protocol, %(s)s status, %(B)s and %(b)s body bytes, %(f)s referer, %(a)s user agent, %(T)s seconds, %(M)s milliseconds, %(D)s microseconds, %(L)s seconds with fraction, %(p)s worker pid, %({x}i)s and %({x}o)s request and response fields, %({x}e)s environ values; beyond gunicorn's: %(Q)s milliseconds in the waiting line, %(A)s milliseconds in the application, %(I)s request bytes, %(R)s retries, %(N)s request number, %(X)s why it was cut short, %(S)s scheme, %(P)s the peer's address, %(C)s address and port as uvicorn has them, %(O)s the status's phrase.",
    status: SUPPORTED,
  },
  access_log_json: {
    section: "Logging",
    flags: ["--access-log-json"],
    type: SWITCH,
    byDefault: false,
    doc: "Write access lines as JSON, one object a line, in place of --access-logformat: time, id, client, method, path, query, scheme, protocol, host, referer, user_agent, status, bytes, request_bytes, duration_ms, queue_ms, app_ms, worker_pid, retries, cause.",
    status: SUPPORTED,
  },
  access_log_except: {
    section: "Logging",
    flags: ["--access-log-except"],
    type: commaList(PATH_PATTERN),
    byDefault: [],
    doc: "Paths that get no access line, such as /healthz or /static/*. What failed (5xx, or cut short) gets one all the same.",
    status: SUPPORTED,
  },
  access_log_slower_than: {
    section: "Logging",
    flags: ["--access-log-slower-than"],
    type: duration(0),
    byDefault: 0,
    doc: "Only requests that took so long get an access line, and those that failed (5xx, or cut short). 0: all do.",
    status: SUPPORTED,
  },
  capture_output: {
    section: "Logging",
    flags: ["--capture-output"],
    type: SWITCH,
    byDefault: false,
    doc: "Send what the application prints (stdout and stderr) to the file of --error-logfile.",
    status: SUPPORTED,
  },
  logger_class: {
    section: "Logging",
    flags: ["--logger-class"],
    type: LOGGER_CLASS,
    byDefault: LOGGER_CLASS_DEFAULT,
    doc: "A class with gunicorn's Logger interface, MODULE.CLASS, that sets up the loggers gunicorn.error and gunicorn.access in the application's processes. Most such classes need gunicorn to be installed. Access lines are the front's: see --access-logformat and --access-log-json.",
    status: SUPPORTED,
  },
  logconfig: {
    section: "Logging",
    flags: ["--log-config"],
    uvicorn: ["--log-config"],
    type: text("FILE"),
    byDefault: "",
    doc: "A file for Python's logging.config, read in every worker: .json, .yaml or .yml (a dictionary), else an ini file. It is for the application's loggers; the server's own lines are written by other processes.",
    status: SUPPORTED,
  },
  logconfig_json: {
    section: "Logging",
    flags: ["--log-config-json"],
    type: text("FILE"),
    byDefault: "",
    doc: "A JSON file for Python's logging.config, as gunicorn has it: what it leaves out is filled in. Stronger than --log-config.",
    status: SUPPORTED,
  },
  logconfig_dict: {
    section: "Logging",
    flags: [],
    type: DICTIONARY,
    byDefault: {},
    doc: "A dictionary for Python's logging.config; configuration file only. Stronger than --log-config-json.",
    status: SUPPORTED,
  },
  use_colors: {
    section: "Logging",
    flags: [],
    uvicorn: ["--use-colors", "--no-use-colors"],
    fixed: { "--use-colors": "on", "--no-use-colors": "off" },
    type: choice(["auto", "on", "off"]),
    byDefault: "auto",
    defaultText: "on when the log goes to a terminal",
    doc: "Colour the levels of the server's own log and uvicorn's form of access lines.",
    status: SUPPORTED,
  },
  syslog: {
    section: "Logging",
    flags: ["--log-syslog"],
    type: SWITCH,
    byDefault: false,
    doc: "Send the error log to syslog.",
    status: SYSLOG,
  },
  syslog_addr: {
    section: "Logging",
    flags: ["--log-syslog-to"],
    type: text("ADDRESS"),
    byDefault: "",
    doc: "The address of syslog.",
    status: NO_SYSLOG,
  },
  syslog_prefix: {
    section: "Logging",
    flags: ["--log-syslog-prefix"],
    type: text("NAME"),
    byDefault: "",
    doc: "The program name in syslog.",
    status: NO_SYSLOG,
  },
  syslog_facility: {
    section: "Logging",
    flags: ["--log-syslog-facility"],
    type: text("NAME"),
    byDefault: "user",
    doc: "The facility in syslog.",
    status: NO_SYSLOG,
  },
  disable_redirect_access_to_syslog: {
    section: "Logging",
    flags: ["--disable-redirect-access-to-syslog"],
    type: SWITCH,
    byDefault: false,
    doc: "Keep access lines out of syslog.",
    status: NO_SYSLOG,
  },
};
