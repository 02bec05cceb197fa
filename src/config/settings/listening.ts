// Settings: the application's name, and where to listen for clients.

import { ADDRESS } from "../address.ts";
import type { Address } from "../listener.ts";
import { refused, type SettingsOf, SUPPORTED } from "../setting.ts";
import {
  commaList,
  count,
  MODE,
  PREFIX,
  repeated,
  SWITCH,
  scalar,
  text,
  type ValueType,
} from "../value-type.ts";

export interface ApplicationValues {
  readonly wsgi_app: string;
  readonly factory: boolean;
  readonly chdir: string;
  readonly pythonpath: readonly string[];
  readonly raw_env: readonly (readonly [string, string])[];
  readonly env_file: string;
  readonly python: string;
  readonly script_name: string;
  readonly config: string;
  readonly paste: string;
  readonly raw_paste_global_conf: readonly string[];
  readonly check_config: boolean;
  readonly print_config: boolean;
}

const FOLDERS: ValueType<readonly string[]> = commaList(text("DIR"));

/** Folders between commas, as gunicorn has them; the flag can be repeated, as uvicorn's --app-dir beside it. */
const PYTHON_PATH: ValueType<readonly string[]> = {
  ...FOLDERS,
  repeats: true,
  read: (given) => FOLDERS.read(Array.isArray(given) ? given.join(",") : given),
};

const ENV_PAIR = scalar<readonly [string, string]>(
  "NAME=VALUE",
  "expected NAME=VALUE",
  (value) => {
    const equals = value.indexOf("=");
    if (equals < 1 || value.includes("\0")) return undefined;
    return [value.slice(0, equals), value.slice(equals + 1)];
  },
  ([name, value]) => `${name}=${value}`,
);

export const APPLICATION_SETTINGS: SettingsOf<ApplicationValues> = {
  wsgi_app: {
    section: "Application",
    flags: [],
    platformEnv: ["UVICORN_APP"],
    type: text("APP"),
    byDefault: "",
    doc: "The application: MODULE, MODULE:NAME, MODULE:FACTORY('literal'), or a path to a .py file. Given without a flag. Without NAME, `application` and then `app` are tried.",
    status: SUPPORTED,
  },
  factory: {
    section: "Application",
    flags: [],
    uvicorn: ["--factory"],
    type: SWITCH,
    byDefault: false,
    doc: "APP names a function without arguments that makes the application; the same as APP().",
    status: SUPPORTED,
  },
  chdir: {
    section: "Application",
    flags: ["--chdir"],
    type: text("DIR"),
    byDefault: "",
    defaultText: "the current directory",
    doc: "Change to this directory before the application is loaded; it also comes first on Python's path.",
    status: SUPPORTED,
  },
  pythonpath: {
    section: "Application",
    flags: ["--pythonpath"],
    uvicorn: ["--app-dir"],
    type: PYTHON_PATH,
    byDefault: [],
    doc: "Directories to put before the others on Python's path.",
    status: SUPPORTED,
  },
  raw_env: {
    section: "Application",
    flags: ["-e", "--env"],
    type: repeated(ENV_PAIR),
    byDefault: [],
    doc: "A variable of the application's environment. Can be given several times.",
    status: SUPPORTED,
  },
  env_file: {
    section: "Application",
    flags: [],
    uvicorn: ["--env-file"],
    type: text("PATH"),
    byDefault: "",
    doc: "A file of NAME=VALUE lines (python-dotenv's form) for the application's environment. What is set already, and --env, is stronger.",
    status: SUPPORTED,
  },
  python: {
    section: "Application",
    flags: ["--python"],
    type: text("PATH"),
    byDefault: "",
    defaultText: "$VIRTUAL_ENV/bin/python, ./.venv/bin/python, then python3",
    doc: "The Python interpreter that runs the application. CPython 3.8 or newer, or PyPy 3.9 or newer.",
    status: SUPPORTED,
  },
  script_name: {
    section: "Application",
    flags: ["--script-name"],
    platformEnv: ["SCRIPT_NAME"],
    type: PREFIX,
    byDefault: "",
    doc: "The path below which the application is mounted: its SCRIPT_NAME, taken off the front of PATH_INFO.",
    status: SUPPORTED,
  },
  config: {
    section: "Application",
    flags: ["-c", "--config"],
    type: text("CONFIG"),
    byDefault: "",
    defaultText: "tunicorn.toml or gunicorn.conf.py in the current directory, if one is there",
    doc: "A configuration file: PATH or file:PATH, in Python or (.toml) TOML, or python:MODULE.",
    status: SUPPORTED,
  },
  paste: {
    section: "Application",
    flags: ["--paste", "--paster"],
    type: text("FILE"),
    byDefault: "",
    doc: "A PasteDeploy file that describes the application.",
    status: refused("loading from a PasteDeploy file", "name a module that loads it: proj.wsgi:application"),
  },
  raw_paste_global_conf: {
    section: "Application",
    flags: ["--paste-global"],
    type: repeated(text("NAME=VALUE")),
    byDefault: [],
    doc: "A global value for the PasteDeploy file.",
    status: refused("loading from a PasteDeploy file"),
  },
  check_config: {
    section: "Application",
    flags: ["--check-config"],
    type: SWITCH,
    byDefault: false,
    doc: "Check the settings, load the application once, and exit: 0 when both are well, 1 when the application is not.",
    status: SUPPORTED,
  },
  print_config: {
    section: "Application",
    flags: ["--print-config"],
    type: SWITCH,
    byDefault: false,
    doc: "Print every setting with its value and where it came from, and exit. With --check-config, load the application too.",
    status: SUPPORTED,
  },
};

export interface ListeningValues {
  readonly bind: readonly Address[];
  readonly host: string;
  readonly port: number;
  readonly uds: string;
  readonly fd: number;
  readonly backlog: number;
  readonly reuse_port: boolean;
  readonly umask: number;
  readonly socket_mode: number;
  readonly socket_owner: string;
  readonly connections: number;
  readonly connections_per_client: number;
}

const NO_NUMBER = -1;

/** A number from 0 on that may be left out: -1 then. */
function optionalNumber(max: number): ValueType<number> {
  return { ...count(0, max), show: (value) => (value < 0 ? "" : String(value)) };
}

const OWNER = scalar("USER[:GROUP]", "expected USER, USER:GROUP or :GROUP, as names or numbers", (value) =>
  /^[\w.$-]*(?::[\w.$-]+)?$/.test(value) ? value : undefined,
);

export const LISTENING_SETTINGS: SettingsOf<ListeningValues> = {
  bind: {
    section: "Listening",
    flags: ["-b", "--bind"],
    type: repeated(ADDRESS),
    byDefault: [],
    defaultText: "127.0.0.1:8000, or 0.0.0.0:$PORT when PORT is set",
    doc: "Where to listen: HOST, HOST:PORT, :PORT, [IPV6]:PORT, unix:PATH, unix:@NAME (abstract), tcp://HOST:PORT or fd://N. Can be given several times. Port 0 takes a free one and prints it.",
    status: SUPPORTED,
  },
  host: {
    section: "Listening",
    flags: [],
    uvicorn: ["--host"],
    type: text("HOST"),
    byDefault: "",
    doc: "As uvicorn has it: the host of the one address to listen on (127.0.0.1 unless given). Not together with --bind.",
    status: SUPPORTED,
  },
  port: {
    section: "Listening",
    flags: [],
    uvicorn: ["--port"],
    type: optionalNumber(65535),
    byDefault: NO_NUMBER,
    doc: "As uvicorn has it: the port of the one address to listen on ($PORT, else 8000, unless given). Not together with --bind.",
    status: SUPPORTED,
  },
  uds: {
    section: "Listening",
    flags: [],
    uvicorn: ["--uds"],
    type: text("PATH"),
    byDefault: "",
    doc: "As uvicorn has it: the same as --bind unix:PATH. Its mode is --socket-mode, for a reason not uvicorn's 0666: clients of Unix sockets are believed who they speak for.",
    status: SUPPORTED,
  },
  fd: {
    section: "Listening",
    flags: [],
    uvicorn: ["--fd"],
    type: optionalNumber(999_999),
    byDefault: NO_NUMBER,
    doc: "As uvicorn has it: the same as --bind fd://N.",
    status: SUPPORTED,
  },
  backlog: {
    section: "Listening",
    flags: ["--backlog"],
    uvicorn: ["--backlog"],
    type: count(1, 2 ** 31 - 1),
    byDefault: 2048,
    doc: "Connections that the kernel holds until they are accepted; it may cut the number (net.core.somaxconn).",
    status: SUPPORTED,
  },
  reuse_port: {
    section: "Listening",
    flags: ["--reuse-port"],
    type: SWITCH,
    byDefault: false,
    doc: "Open TCP sockets with SO_REUSEPORT: a second server of the same user may open the same address, and the kernel divides the connections. The workers of one server need it not: one waiting line feeds them evenly.",
    status: SUPPORTED,
  },
  umask: {
    section: "Listening",
    flags: ["-m", "--umask"],
    type: MODE,
    byDefault: NO_NUMBER,
    defaultText: "as inherited; see --socket-mode",
    doc: "Permission bits to take away from 0777 on Unix sockets, as gunicorn has it, and from files that the application makes. --socket-mode sets those of sockets directly.",
    status: SUPPORTED,
  },
  socket_mode: {
    section: "Listening",
    flags: ["--socket-mode"],
    type: MODE,
    byDefault: NO_NUMBER,
    defaultText: "0660, or what --umask leaves",
    doc: "Permission bits of Unix sockets. A client must be allowed to write: 0660 admits owner and group.",
    status: SUPPORTED,
  },
  socket_owner: {
    section: "Listening",
    flags: ["--socket-owner"],
    type: OWNER,
    byDefault: "",
    defaultText: "who starts the server",
    doc: "Owner and group of Unix sockets.",
    status: SUPPORTED,
  },
  connections: {
    section: "Listening",
    flags: ["--connections"],
    type: count(1, 1_000_000),
    byDefault: 16_384,
    doc: "Client connections that a front holds at once, fewer where the limit of open files is low. For a further one the oldest idle one is closed; when none is idle, it gets 503.",
    status: SUPPORTED,
  },
  connections_per_client: {
    section: "Listening",
    flags: ["--connections-per-client"],
    type: count(0, 1_000_000),
    byDefault: 0,
    doc: "Connections that one client, known by its address (or a network /64 of IPv6), may have with a front at once; further ones get 503. Trusted proxies (--forwarded-allow-ips), Unix sockets and listeners with the PROXY protocol are not counted. 0: no limit.",
    status: SUPPORTED,
  },
};
