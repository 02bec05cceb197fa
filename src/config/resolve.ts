// Settings that stand alone → the Config that processes use: what follows from two settings together is decided here.

import { resolve as resolvePath } from "node:path";
import { PORT_DEFAULT, parseAddress } from "./address.ts";
import type { Config } from "./config.ts";
import type { Environment } from "./environment.ts";
import { filesRoute } from "./files-route.ts";
import type { Origins } from "./layer.ts";
import type { Address } from "./listener.ts";
import type { Mount } from "./mount.ts";
import type { Problem } from "./problem.ts";
import { resolveHsts, resolveListeners } from "./resolve-tls.ts";
import { resolveWorkerClass } from "./resolve-worker-class.ts";
import { policyFor, responsePolicy } from "./response-policy.ts";
import { MATCH_ALL, NO_POLICY, type Route } from "./route.ts";
import { ACCESS_FORMAT_UVICORN, LOGGER_CLASS_DEFAULT } from "./settings/logging.ts";
import type { SettingName, Values } from "./settings.ts";
import { APP_NAME } from "./site.ts";

export interface Resolved {
  readonly config: Config;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

export interface Surroundings {
  readonly env: Environment;
  readonly cwd: string;
  /** The number that stands for `--workers auto`, if that was asked for. */
  readonly workersAuto: number;
  /** What --env-file holds. */
  readonly envFile: readonly (readonly [string, string])[];
  /** Something was said in uvicorn's own words. */
  readonly speaksUvicorn: boolean;
}

export function resolveConfig(values: Values, origins: Origins, around: Surroundings): Resolved {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const chdir = resolvePath(around.cwd, values.chdir);
  const access = resolveAccessLog(values, origins, around.speaksUvicorn);
  const bind = resolveBind(values, origins, around.env, problems).map((address) => within(chdir, address));
  const placed = {
    ...values,
    https_redirect: values.https_redirect.map((address) => within(chdir, address)),
    metrics: values.metrics.map((address) => within(chdir, address)),
  };
  const listeners = resolveListeners(bind, { values: placed, origins, chdir, problems, warnings });
  const config: Config = {
    app: resolveApp(values, problems),
    bind: listeners.map(({ address }) => address),
    listeners,
    routes: resolveRoutes(values, chdir),
    backlog: values.backlog,
    reusePort: values.reuse_port,
    unixSocket: resolveUnixSocket(values),
    ...resolveWorkers(values, around),
    fronts: values.fronts,
    workerClass: resolveWorkerClass(values, problems, warnings),
    interface: values.interface,
    threads: values.threads,
    workerConnections: values.worker_connections,
    limitConcurrency: values.limit_concurrency,
    maxRequests: values.max_requests,
    maxRequestsJitter: values.max_requests_jitter,
    workersLifetimeMs: values.workers_lifetime,
    workersLifetimeJitterMs: values.workers_lifetime_jitter,
    workersMaxRssBytes: values.workers_max_rss,
    python: values.python.includes("/") ? resolvePath(around.cwd, values.python) : values.python,
    chdir,
    pythonPath: values.pythonpath.map((folder) => resolvePath(chdir, folder)),
    env: resolveEnv(values, around),
    loop: values.asgi_loop,
    lifespan: values.asgi_lifespan,
    lifespanTimeoutMs: Math.min(values.lifespan_timeout || values.boot_timeout, values.boot_timeout),
    lifespanShutdownTimeoutMs: values.lifespan_shutdown_timeout,
    asgiDisconnectGraceMs: values.asgi_disconnect_grace_period,
    loopBlockedMs: values.loop_blocked,
    rootPath: values.root_path,
    timeoutMs: values.timeout,
    gracefulTimeoutMs: values.graceful_timeout,
    streamGraceMs: values.reload ? 0 : Math.min(values.stream_grace, values.graceful_timeout),
    bootTimeoutMs: values.boot_timeout,
    keepAliveMs: values.keepalive,
    headTimeoutMs: values.head_timeout,
    bodyTimeoutMs: values.body_timeout,
    bodyRateMin: values.body_rate_min,
    responseStallMs: values.response_timeout,
    lingerMs: values.linger_timeout,
    connectionsMax: values.connections,
    connectionsPerClient: values.connections_per_client,
    clientMemoryBytes: values.client_memory,
    tlsHandshakesMax: values.tls_handshakes,
    hsts: resolveHsts({ values, origins, problems, warnings }),
    limitRequestHead: values.limit_request_head,
    limitRequestLine: values.limit_request_line,
    limitRequestFields: values.limit_request_fields,
    limitRequestFieldSize: values.limit_request_field_size,
    bodyBytesMax: values.limit_request_body,
    bodyMemoryBytes: values.body_memory,
    responseBufferBytes: values.response_buffer,
    responseSpillBytes: values.response_spill,
    responseSpillTotalBytes: values.response_spill_total,
    permitObsoleteFolding: values.permit_obsolete_folding,
    stripHeaderSpaces: values.strip_header_spaces,
    permitUnconventionalHttpMethod: values.permit_unconventional_http_method,
    permitUnconventionalHttpVersion: values.permit_unconventional_http_version,
    casefoldHttpMethod: values.casefold_http_method,
    queueMax: values.queue_size,
    // With --reload requests wait while new code starts, however long that takes.
    queueTimeoutMs: Math.max(values.queue_timeout, values.reload ? values.boot_timeout : 0),
    requestsAheadMax: values.requests_ahead,
    http2: resolveHttp2(values),
    wsEnabled: values.ws !== "none",
    wsMaxSize: values.websocket_max_message_size,
    wsMaxQueue: values.ws_max_queue,
    wsPingIntervalMs: values.ws_ping_interval,
    wsPingTimeoutMs: values.ws_ping_timeout,
    wsPerMessageDeflate: values.ws_per_message_deflate,
    wsAllowedOrigins: values.ws_allowed_origins,
    proxyHeaders: values.proxy_headers,
    forwardedAllowIps: values.forwarded_allow_ips,
    forwardedUntrusted: values.forwarded_untrusted,
    proxyAllowIps: values.proxy_allow_ips,
    gatewayAllowIps: values.uwsgi_allow_ips,
    secureSchemeHeaders: values.secure_scheme_headers,
    forwarderHeaders: values.forwarder_headers,
    headerMap: values.header_map,
    scriptName: resolveScriptName(values, origins),
    serverHeader: values.server_header,
    dateHeader: values.date_header,
    headers: values.header,
    sendfileRoots: values.sendfile_root.map((folder) => resolvePath(chdir, folder)),
    staticDjango: values.static_django,
    accessLog: resolveFile(chdir, access.path),
    fileWrapperDirect: values.sendfile,
    accessLogFormat: access.format,
    accessLogJson: values.access_log_json,
    accessLogExcept: values.access_log_except,
    accessLogSlowMs: values.access_log_slower_than,
    errorLog: resolveFile(chdir, values.errorlog),
    logJson: values.log_json,
    logLevel: values.loglevel,
    useColors: resolveColors(values, around.env),
    logConfig: values.logconfig === "" ? "" : resolvePath(chdir, values.logconfig),
    logConfigJson: values.logconfig_json === "" ? "" : resolvePath(chdir, values.logconfig_json),
    logConfigDict: values.logconfig_dict,
    loggerClass: values.logger_class === LOGGER_CLASS_DEFAULT ? "" : values.logger_class,
    captureOutput: values.capture_output,
    // A preloaded application would be the old code.
    preload: values.preload_app && !values.reload,
    procName: values.proc_name === "" ? values.wsgi_app : values.proc_name,
    reload: resolveReload(values, chdir, around.cwd),
    pidFile: values.pidfile === "" ? "" : resolvePath(chdir, values.pidfile),
    isDaemon: values.daemon,
    inheritsStdio: values.enable_stdio_inheritance,
    user: values.user,
    group: values.group,
    initGroups: values.initgroups,
    umask: values.umask,
    health: values.health,
    healthAccessLog: values.health_access_log,
    drainDelayMs: resolveDrainDelay(values, around.env),
    statsd: resolveStatsd(values, chdir),
    controlSocket: {
      isWanted: !values.control_socket_disable,
      path: resolveFile(chdir, values.control_socket),
      mode: values.control_socket_mode,
    },
  };
  return { config: deepFreeze(config), problems, warnings };
}

/** Folders, the longest path first, and behind them the application. */
function resolveRoutes(values: Values, chdir: string): Route[] {
  const policy = responsePolicy(values, chdir);
  const toRoute = (mount: Mount, isInternal: boolean): Route =>
    filesRoute({ ...mount, root: resolvePath(chdir, mount.root) }, { isInternal, isFresh: values.reload });
  const folders = [
    ...values.static.map((mount) => toRoute(mount, false)),
    ...values.static_internal.map((mount) => toRoute(mount, true)),
  ].sort((one, other) => pathLength(other) - pathLength(one));
  return [...folders, APP_ROUTE].map((route) => ({ ...route, policy: policyFor(route.action, policy) }));
}

function pathLength({ match }: Route): number {
  return match.paths[0]?.path.length ?? 0;
}

const APP_ROUTE: Route = {
  name: APP_NAME,
  match: MATCH_ALL,
  action: { kind: "app", app: APP_NAME, mount: "" },
  policy: NO_POLICY,
};

/** No limit of its own: that of a head holds. */
function resolveHttp2(values: Values): Config["http2"] {
  return {
    streamsMax: values.http2_max_concurrent_streams,
    windowBytes: values.http2_initial_window_size,
    frameBytesMax: values.http2_max_frame_size,
    listBytesMax: values.http2_max_header_list_size || values.limit_request_head,
  };
}

function resolveWorkers(
  { workers, workers_idle }: Values,
  { workersAuto }: Surroundings,
): Pick<Config, "workers" | "workersMin" | "workersMax" | "workersIdleMs"> {
  const count = workers === "auto" ? workersAuto : workers;
  const { min, max } = typeof count === "number" ? { min: count, max: count } : count;
  return { workers: min, workersMin: min, workersMax: max, workersIdleMs: workers_idle };
}

/** A Kubernetes service goes on sending for some seconds after TERM: asks whoever reads readiness to turn away first. */
const DRAIN_DELAY_KUBERNETES_MS = 5_000;

function resolveDrainDelay({ drain_delay, graceful_timeout, health }: Values, env: Environment): number {
  const isKubernetes = (env["KUBERNETES_SERVICE_HOST"] ?? "") !== "";
  const auto = isKubernetes && health !== "" ? DRAIN_DELAY_KUBERNETES_MS : 0;
  return Math.min(drain_delay === "auto" ? auto : drain_delay, Math.floor(graceful_timeout / 2));
}

/** A pattern without a slash means any file of that name; with one it is a place, as the shell has it. */
function resolveReload(values: Values, chdir: string, cwd: string): Config["reload"] {
  const place = (pattern: string): string => resolvePath(chdir, pattern);
  const folders = values.reload_dirs.map((folder) => resolvePath(cwd, folder));
  return {
    isOn: values.reload,
    folders: folders.length > 0 ? folders : [chdir, ...values.pythonpath.map(place)],
    includes: values.reload_includes,
    excludes: values.reload_excludes.flatMap((name) => (MAGIC.test(name) ? [name] : [name, place(name)])),
    extraFiles: values.reload_extra_files.map(place),
    polls: values.reload_engine === "poll",
    delayMs: values.reload_delay,
  };
}

const MAGIC = /[*?[]/;

/** no-color.org: a variable that is not empty speaks where nobody has spoken more clearly. */
function resolveColors({ use_colors }: Values, env: Environment): Config["useColors"] {
  return use_colors === "auto" && (env["NO_COLOR"] ?? "") !== "" ? "off" : use_colors;
}

function resolveStatsd(values: Values, chdir: string): Config["statsd"] {
  const { statsd_host: host, statsd_prefix: prefix, dogstatsd_tags: tags } = values;
  const target = host.kind === "unix" ? { ...host, path: resolvePath(chdir, host.path) } : host;
  const bare = prefix.replace(/\.+$/, "");
  return { target, prefix: bare === "" ? "" : `${bare}.`, tags, hasBacklog: values.enable_backlog_metric };
}

/** uvicorn's --factory is gunicorn's `module:name()`. */
function resolveApp(values: Values, problems: Problem[]): string {
  const app = values.wsgi_app;
  if (!values.factory || app === "" || app.endsWith(")")) return app;
  if (!app.includes(":")) {
    problems.push({
      where: "--factory",
      given: undefined,
      reason: `expected APP as MODULE:FUNCTION, not ${app}`,
    });
  }
  return `${app}()`;
}

/** A variable of the file is weaker than what is set already, and than --env. */
function resolveEnv(values: Values, around: Surroundings): Config["env"] {
  const said = new Set(values.raw_env.map(([name]) => name));
  const added = around.envFile.filter(([name]) => around.env[name] === undefined && !said.has(name));
  return [...added, ...values.raw_env];
}

const UVICORN_LOG_LEVELS: readonly string[] = ["trace", "debug", "info"];

/**
 * Off as in gunicorn, unless something was said in uvicorn's own words. A log that is on by uvicorn's habit or by its
 * --access-log has uvicorn's form, and is of level info, as there; --access-logfile and --access-logformat are gunicorn's.
 */
function resolveAccessLog(
  values: Values,
  { accesslog, access_log_format }: Origins,
  speaksUvicorn: boolean,
): { readonly path: string; readonly format: string } {
  const isUvicorns = accesslog.rank > 0 ? accesslog.isUvicorn : speaksUvicorn;
  const format = access_log_format.rank > 0 || !isUvicorns ? values.access_log_format : ACCESS_FORMAT_UVICORN;
  if (!isUvicorns) return { path: values.accesslog, format };
  const isOn = accesslog.rank === 0 || values.accesslog !== "";
  return { path: isOn && UVICORN_LOG_LEVELS.includes(values.loglevel) ? "-" : "", format };
}

const UVICORN_BIND: readonly SettingName[] = ["host", "port", "uds", "fd"];

/** --bind, or uvicorn's four flags; the stronger source wins, one source must not use both. */
function resolveBind(
  values: Values,
  origins: Origins,
  env: Environment,
  problems: Problem[],
): readonly Address[] {
  const given = UVICORN_BIND.filter((name) => origins[name].rank > 0);
  const rank = Math.max(0, ...given.map((name) => origins[name].rank));
  const bindRank = values.bind.length === 0 ? 0 : origins.bind.rank;
  if (rank > 0 && rank === bindRank) {
    const flags = given.map((name) => `--${name}`).join(", ");
    problems.push({
      where: origins.bind.text,
      given: undefined,
      reason: `cannot be used together with ${flags}`,
    });
  }
  if (rank > bindRank) return bindAsUvicorn(values, env, problems);
  return bindRank > 0 ? values.bind : [defaultAddress(env, problems)];
}

function bindAsUvicorn(values: Values, env: Environment, problems: Problem[]): readonly Address[] {
  const ways = [values.uds !== "", values.fd >= 0, values.host !== "" || values.port >= 0];
  if (ways.filter(Boolean).length > 1) {
    problems.push({
      where: "",
      given: undefined,
      reason: "give only one of --uds, --fd, and --host with --port",
    });
  }
  if (values.uds !== "") return [{ kind: "unix", path: values.uds }];
  if (values.fd >= 0) return [{ kind: "fd", fd: values.fd }];
  const host = values.host === "" ? "127.0.0.1" : values.host.toLowerCase();
  return [
    {
      kind: "tcp",
      host,
      port: values.port >= 0 ? values.port : (platformPort(env, problems) ?? PORT_DEFAULT),
    },
  ];
}

/** PORT set: the platform wants to reach us, so all interfaces; else only this machine. */
function defaultAddress(env: Environment, problems: Problem[]): Address {
  const port = platformPort(env, problems);
  if (port === undefined) return { kind: "tcp", host: "127.0.0.1", port: PORT_DEFAULT };
  return { kind: "tcp", host: "0.0.0.0", port };
}

function platformPort(env: Environment, problems: Problem[]): number | undefined {
  const text = env["PORT"];
  if (text === undefined || text === "") return undefined;
  const reading = parseAddress(`:${text}`);
  if (reading.ok && reading.value.kind === "tcp") return reading.value.port;
  problems.push({ where: "$PORT", given: text, reason: "expected a port, 0 to 65535" });
  return undefined;
}

/** gunicorn changes directory before it binds, so a relative path is below --chdir. */
function within(folder: string, address: Address): Address {
  if (address.kind !== "unix" || address.path.startsWith("@")) return address;
  return { kind: "unix", path: resolvePath(folder, address.path) };
}

const SOCKET_MODE_DEFAULT = 0o660;

function resolveUnixSocket(values: Values): Config["unixSocket"] {
  const [user = values.user, group = values.group] =
    values.socket_owner === "" ? [] : values.socket_owner.split(":");
  if (values.socket_mode >= 0) return { mode: values.socket_mode, user, group };
  const mode = values.umask >= 0 ? 0o777 & ~values.umask : SOCKET_MODE_DEFAULT;
  return { mode, user, group };
}

/** gunicorn reads SCRIPT_NAME from the application's environment, which --env may have set. */
function resolveScriptName(values: Values, origins: Origins): string {
  const fromEnv = values.raw_env.findLast(([name]) => name === "SCRIPT_NAME")?.[1];
  const isWeak = origins.script_name.rank === 0 || origins.script_name.text === "$SCRIPT_NAME";
  return isWeak && fromEnv !== undefined ? fromEnv.replace(/\/+$/, "") : values.script_name;
}

function resolveFile(folder: string, file: string): string {
  return file === "" || file === "-" ? file : resolvePath(folder, file);
}

export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
