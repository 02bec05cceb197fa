// [apps.NAME]: an application and what it has for itself; settings that it does not name are the server's.

import { didYouMean, type Entry, type Layer } from "../layer.ts";
import { SETTINGS, type SettingName } from "../settings.ts";
import { suggest } from "../suggest.ts";
import type { TomlNode } from "../toml-node.ts";
import type { Given } from "../value-type.ts";

/** Settings that an application can have for itself: what its processes, its waiting line and its deadlines follow. */
export const APP_SETTINGS: readonly SettingName[] = [
  ...(["wsgi_app", "factory", "chdir", "pythonpath", "raw_env", "env_file", "python", "root_path"] as const),
  ...(["workers", "workers_idle", "worker_class", "interface", "threads", "worker_connections"] as const),
  ...(["max_requests", "max_requests_jitter", "workers_lifetime", "workers_lifetime_jitter"] as const),
  ...(["workers_max_rss", "limit_concurrency", "preload_app", "sendfile", "limit_request_body"] as const),
  ...([
    "queue_size",
    "queue_timeout",
    "requests_ahead",
    "timeout",
    "graceful_timeout",
    "stream_grace",
  ] as const),
  ...([
    "boot_timeout",
    "asgi_loop",
    "asgi_lifespan",
    "lifespan_timeout",
    "lifespan_shutdown_timeout",
  ] as const),
  ...(["asgi_disconnect_grace_period", "loop_blocked", "ws_max_queue"] as const),
  ...(["logger_class", "logconfig", "logconfig_json", "logconfig_dict", "proc_name"] as const),
  ...(["user", "group", "initgroups", "umask"] as const),
  ...(["reload_extra_files", "reload_dirs", "reload_includes", "reload_excludes"] as const),
];

/** What settings are called in tunicorn.toml beside their own names. */
export const ALIASES: Readonly<Record<string, SettingName>> = { app: "wsgi_app", env: "raw_env" };

export interface AppTable {
  readonly name: string;
  readonly node: TomlNode;
  readonly layer: Layer;
}

export function appsOf(node: TomlNode): readonly AppTable[] {
  if (!node.isTable) {
    node.failKey("each application is a table: [apps.NAME]");
    return [];
  }
  return node.members().map(([name, app]) => appOf(name, app));
}

function appOf(name: string, node: TomlNode): AppTable {
  if (!/^[A-Za-z][\w-]*$/.test(name)) node.failKey("expected a name of letters, digits, _ and -");
  if (!node.isTable) node.failKey(`each application is a table: [apps.${name}]`);
  const layer = new Map<SettingName, Entry>();
  for (const [key, value] of node.members()) readSetting(key, value, layer);
  if (node.isTable && !layer.has("wsgi_app"))
    node.failKey('an application needs its name in Python: app = "module:attribute"');
  return { name, node, layer };
}

function readSetting(key: string, node: TomlNode, layer: Map<SettingName, Entry>): void {
  const name = settingOf(key);
  if (name !== undefined && APP_SETTINGS.includes(name)) layer.set(name, entryOf(name, node));
  else node.failKey(name === undefined ? strangeKey(key) : refusalOf(name));
}

/** The setting that a key of the file means. */
export function settingOf(key: string): SettingName | undefined {
  if (Object.hasOwn(ALIASES, key)) return ALIASES[key];
  return Object.hasOwn(SETTINGS, key) ? (key as SettingName) : undefined; // hasOwn
}

export function entryOf(name: SettingName, node: TomlNode): Entry {
  return { given: name === "raw_env" ? pairsOf(node.given) : node.given, origin: node.where };
}

/** `env = { NAME = "value" }` as the list that the setting reads. */
function pairsOf(given: Given): Given {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
  return Object.entries(given).map(([name, value]) => `${name}=${String(value)}`);
}

function strangeKey(key: string): string {
  const near = suggest(key, [...APP_SETTINGS, ...Object.keys(ALIASES)]);
  return `no such setting${didYouMean(near)}`;
}

function refusalOf(name: SettingName): string {
  if (name === "script_name") return 'its place is a route of the application: mount = "/prefix"';
  if (name === "bind" || name === "host" || name === "port" || name === "uds" || name === "fd")
    return "the server listens, for all applications: [[listeners]]";
  return "it is the server's, for all applications: put it above the first table of the file";
}
