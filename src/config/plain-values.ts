// Every setting as a gunicorn.conf.py would say it: what hooks read as `server.cfg.workers`.

import { showAddress } from "./address.ts";
import type { Config } from "./config.ts";
import { MOUNTS, type Mount } from "./mount.ts";
import type { AnySetting } from "./setting.ts";
import { SETTING_ROWS, type SettingName, type Values } from "./settings.ts";

/** Lengths of time in seconds, lists as lists, None (null) for what gunicorn leaves unset. */
export function plainValues(values: Values, config: Config): Readonly<Record<string, unknown>> {
  const plain = SETTING_ROWS.map(([name, setting]) => [name, plainValue(name, setting, values[name])]);
  return { ...Object.fromEntries(plain), ...resolved(config) };
}

/** Texts that gunicorn has as "" where others are None. */
const EMPTY_TEXTS: ReadonlySet<SettingName> = new Set([
  "root_path",
  "script_name",
  "statsd_prefix",
  "dogstatsd_tags",
] as const);

/** Those that are one in the file, too. Other objects are what became of a text. */
const DICTIONARIES: ReadonlySet<SettingName> = new Set(["secure_scheme_headers", "logconfig_dict"] as const);

function plainValue(name: SettingName, setting: AnySetting, value: unknown): unknown {
  if (setting.type.placeholder === "SECONDS") return Number(value) / 1000;
  if (value === "") return EMPTY_TEXTS.has(name) ? "" : null;
  if (!isObject(value) || DICTIONARIES.has(name)) return value;
  if (!Array.isArray(value)) return setting.type.show(value) || null;
  if (setting.type === MOUNTS) return value.map(({ shown }: Mount) => shown);
  return value.map((item) => {
    if (Array.isArray(item)) return item.join(name === "header" ? ":" : "=");
    return isObject(item) ? setting.type.show([item]) : item;
  });
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** Settings that follow from more than themselves. */
function resolved(config: Config): Readonly<Record<string, unknown>> {
  return {
    wsgi_app: config.app,
    bind: config.bind.map(showAddress),
    workers: config.workers,
    worker_class: config.workerClass,
    chdir: config.chdir,
    umask: Math.max(0, config.umask),
    proc_name: config.procName,
    default_proc_name: config.app,
  };
}
