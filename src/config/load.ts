// From everything a user said to one frozen Config, or to all problems at once.
// Strength: built-in default < platform's variables < configuration file < UVICORN_* < GUNICORN_CMD_ARGS < TUNICORN_* < flags.

import { resolve as resolvePath } from "node:path";
import { parseCommandLine } from "./command-line.ts";
import type { Config } from "./config.ts";
import { parseEnvFile } from "./env-file.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { type Entry, type Layer, type Origins, type Settled, settle, speaksUvicorn } from "./layer.ts";
import { describeProblem, type Problem } from "./problem.ts";
import { deepFreeze, resolveConfig } from "./resolve.ts";
import type { SettingName, Values } from "./settings.ts";
import type { SiteWorld } from "./site/world.ts";
import type { SiteApplication } from "./site.ts";
import { onlyApp, readSite, routesWithoutApp, type ServerReading, type SiteReading } from "./site-file.ts";
import type { SiteSource } from "./toml-file.ts";

export interface ConfigSources {
  /** The command line without the program's name. */
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly cwd: string;
  /** Configuration files' values (layerOf), weakest first. */
  readonly files?: readonly Layer[];
  /** The text of a file, or undefined when it cannot be read; asked for --env-file only. */
  readonly readFile?: (path: string) => string | undefined;
  /** What tunicorn.toml says of listeners, applications and routes. */
  readonly site?: SiteSource | undefined;
  /** What an absolute path leads to; without it nothing is looked for. */
  readonly kindOf?: SiteWorld["kindOf"] | undefined;
  /** What `--workers auto` means on this machine; asked at most once, and only for `auto`. */
  readonly countWorkers: () => WorkerCount;
}

export interface WorkerCount {
  readonly workers: number;
  /** How the number came about, for the log. */
  readonly arithmetic: string;
}

export type Loaded =
  | {
      readonly ok: true;
      /** The server's: listeners, routes, limits, logs; where there is one application, its own too. */
      readonly config: Config;
      /** Empty where nobody named an application. */
      readonly apps: readonly SiteApplication[];
      readonly values: Values;
      readonly origins: Origins;
      readonly warnings: readonly string[];
      /** What the operator should be told at the start, such as the arithmetic of `auto`. */
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly string[] };

export function loadConfig(sources: ConfigSources): Loaded {
  const line = parseCommandLine(sources.argv);
  const environment = readEnvironment(sources.env);
  const layers = [
    environment.platform,
    line.defaults,
    ...(sources.files ?? []),
    ...environment.variables,
    line.layer,
  ];
  const file = readEnvFile(settle(layers), sources);
  const settled = settle([file.layer, ...layers]);
  const auto = settled.values.workers === "auto" ? sources.countWorkers() : undefined;
  const resolved = resolveConfig(settled.values, settled.origins, {
    env: sources.env,
    cwd: sources.cwd,
    workersAuto: auto?.workers ?? 1,
    envFile: file.variables,
    speaksUvicorn: speaksUvicorn(layers),
  });
  const site = siteOf(sources, { ...resolved, ...settled, layers: [file.layer, ...layers] });
  const parts = [line, environment, file, settled, resolved, site];
  const problems = onlyOnce(parts.flatMap((part) => part.problems));
  const warnings = [environment, file, settled, resolved, site].flatMap((part) => part.warnings);
  if (problems.length > 0) return { ok: false, problems, warnings };
  return {
    ok: true,
    config: site.config,
    apps: site.apps,
    values: settled.values,
    origins: settled.origins,
    warnings: [...new Set(warnings)],
    notes: auto === undefined ? [] : [auto.arithmetic],
  };
}

/** Listeners, applications and routes: of tunicorn.toml, else the one application of the command line. */
function siteOf(sources: ConfigSources, server: Omit<ServerReading, "bindOrigin">): SiteReading {
  const { config, values, layers } = server;
  if (sources.site === undefined) {
    const apps = onlyApp(config, values);
    const routes = apps.length > 0 ? config.routes : routesWithoutApp(config.routes);
    return { config: deepFreeze({ ...config, routes }), apps, problems: [], warnings: [] };
  }
  const fileRank = layers.indexOf(sources.files?.at(-1) ?? new Map()) + 1;
  const binds = (["bind", "host", "port", "uds", "fd"] as const).map((name) => server.origins[name]);
  const bindOrigin = binds.find(({ rank }) => rank > fileRank)?.text;
  const inChdir = { ...sources, cwd: config.chdir };
  return readSite(
    sources.site,
    { ...server, bindOrigin },
    {
      kindOf: sources.kindOf,
      around: (settled) => {
        const file = readEnvFile(settled, inChdir);
        return {
          env: sources.env,
          cwd: config.chdir,
          workersAuto: settled.values.workers === "auto" ? sources.countWorkers().workers : 1,
          envFile: file.variables,
          speaksUvicorn: speaksUvicorn(layers),
          problems: file.problems,
        };
      },
    },
  );
}

/** Applications inherit the server's settings, and with them its problems. */
function onlyOnce(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [describeProblem(problem), problem])).values()];
}

interface FileVariables {
  readonly variables: readonly (readonly [string, string])[];
  readonly layer: Layer;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** uvicorn looks up these two after it has read the file; all others are the application's alone. */
const SERVER_VARIABLES: readonly (readonly [string, SettingName])[] = [
  ["WEB_CONCURRENCY", "workers"],
  ["FORWARDED_ALLOW_IPS", "forwarded_allow_ips"],
];

function readEnvFile({ values, origins }: Settled, sources: ConfigSources): FileVariables {
  const nothing: FileVariables = { variables: [], layer: new Map(), problems: [], warnings: [] };
  if (values.env_file === "") return nothing;
  const text = sources.readFile?.(resolvePath(sources.cwd, values.chdir, values.env_file));
  if (text === undefined) {
    const problem = {
      where: origins.env_file.text,
      given: values.env_file,
      reason: "the file cannot be read",
    };
    return { ...nothing, problems: [problem] };
  }
  const { variables, badLines } = parseEnvFile(text, sources.env);
  return {
    variables,
    layer: layerOfFile(values.env_file, variables),
    problems: [],
    warnings: badLines.map((line) => `${values.env_file}, line ${line} is left out: expected NAME=VALUE`),
  };
}

function layerOfFile(file: string, variables: FileVariables["variables"]): Layer {
  const layer = new Map<SettingName, Entry>();
  for (const [variable, name] of SERVER_VARIABLES) {
    const given = variables.find(([known]) => known === variable)?.[1] ?? "";
    if (given !== "") layer.set(name, { given, origin: `${file}: ${variable}` });
  }
  return layer;
}

/** What must be known before a configuration file can be read, and what is wrong without it. */
export function previewSettings({ argv, env }: Pick<ConfigSources, "argv" | "env">): Settled {
  const line = parseCommandLine(argv);
  const environment = readEnvironment(env);
  const settled = settle([environment.platform, line.defaults, ...environment.variables, line.layer]);
  const problems = [...line.problems, ...environment.problems, ...settled.problems];
  return { ...settled, problems };
}

/** A Config of defaults with some members changed. For tests and tools. */
export function configOf(changes: Partial<Config> = {}): Config {
  const settled = settle([]);
  const around = { env: {}, cwd: "/", workersAuto: 1, envFile: [], speaksUvicorn: false };
  const { config } = resolveConfig(settled.values, settled.origins, around);
  return Object.freeze({ ...config, ...changes });
}
