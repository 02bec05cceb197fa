// The text of --print-config: every setting that has a meaning here, its value, and who said so.

import { showAddress } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import type { Loaded } from "../config/load.ts";
import { showDuration } from "../config/quantity.ts";
import { SETTING_ROWS, type SettingName } from "../config/settings.ts";

type Success = Extract<Loaded, { readonly ok: true }>;

/** One line each: `workers = 4  # --workers`. Values stand as they would be given; nothing means none. */
export function printConfigText(loaded: Success): string {
  const rows = SETTING_ROWS.filter(
    ([name, setting]) => setting.status.kind === "supported" && !HIDDEN.has(name),
  );
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, setting]) => {
      const value = RESOLVED[name]?.(loaded.config) ?? setting.type.show(loaded.values[name]);
      return `${name.padEnd(width)} = ${value}  # ${originText(loaded, name)}\n`;
    })
    .join("");
}

/** Questions of this run, which configure nothing, and uvicorn's ways to say what `bind` says. */
const HIDDEN: ReadonlySet<SettingName> = new Set([
  "check_config",
  "print_config",
  "host",
  "port",
  "uds",
  "fd",
  "factory",
] as const);

/** Settings that follow from more than themselves are shown as the server will use them. */
const RESOLVED: Readonly<Partial<Record<SettingName, (config: Config) => string>>> = {
  wsgi_app: (config) => config.app,
  bind: ({ listeners }) =>
    listeners
      .filter(({ redirectToTlsPort, servesMetrics }) => redirectToTlsPort === 0 && !servesMetrics)
      .map(({ address }) => showAddress(address))
      .join(","),
  chdir: (config) => config.chdir,
  pythonpath: (config) => config.pythonPath.join(","),
  workers: (config) => String(config.workers),
  worker_class: (config) => config.workerClass,
  script_name: (config) => config.scriptName,
  socket_mode: (config) => `0${config.unixSocket.mode.toString(8)}`,
  lifespan_timeout: (config) => showDuration(config.lifespanTimeoutMs),
  accesslog: (config) => config.accessLog,
  access_log_format: (config) => config.accessLogFormat,
  errorlog: (config) => config.errorLog,
  proc_name: (config) => config.procName,
};

const UVICORN_BIND = ["host", "port", "uds", "fd"] as const;

function originText(loaded: Success, name: SettingName): string {
  const { origins, config } = loaded;
  const isByHabit = name === "accesslog" && origins.accesslog.rank === 0 && config.accessLog !== "";
  if (isByHabit) return "as uvicorn has it";
  if (name !== "bind") return origins[name].text;
  const others = UVICORN_BIND.filter((other) => origins[other].rank > origins.bind.rank);
  return others.length === 0 ? origins.bind.text : others.map((other) => origins[other].text).join(", ");
}
