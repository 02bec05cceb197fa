// A command line → what this run is to do. Pure but for the questions it is given (`host`), so that it is tested as a table.

import { resolve as resolvePath } from "node:path";
import { parseCommandLine } from "../config/command-line.ts";
import type { Config } from "../config/config.ts";
import { type ConfigFile, findConfigFile } from "../config/config-file.ts";
import type { Environment } from "../config/environment.ts";
import type { Origins } from "../config/layer.ts";
import { type ConfigSources, type Loaded, loadConfig, previewSettings } from "../config/load.ts";
import { plainValues } from "../config/plain-values.ts";
import { describeProblem } from "../config/problem.ts";
import { type FileLayer, problemsWith } from "../config/python-file.ts";
import { APP_NAME, isServable, type SiteApplication } from "../config/site.ts";
import { helpText } from "./help.ts";
import { printConfigText } from "./print-config.ts";
import { printSiteText } from "./print-site.ts";
import { versionText } from "./version.ts";

export type Intent =
  | {
      readonly type: "run";
      /** `check`: load the application once, report, and exit. */
      readonly mode: "serve" | "check";
      readonly config: Config;
      /** Empty where no route leads to one. */
      readonly apps: readonly SiteApplication[];
      /** Every setting as hooks read it. */
      readonly cfg: Readonly<Record<string, unknown>>;
      readonly origins: Origins;
      /** To be logged as warnings at the start. */
      readonly warnings: readonly string[];
      /** To be logged as information at the start. */
      readonly notes: readonly string[];
      /** To be printed on stdout before anything else; "" mostly. */
      readonly text: string;
    }
  /** A configuration file is to be read; then ask again with what it says. */
  | {
      readonly type: "read-file";
      readonly file: ConfigFile;
      readonly python: string;
      readonly chdir: string;
      readonly bootTimeoutMs: number;
      readonly warnings: readonly string[];
    }
  | { readonly type: "print"; readonly text: string; readonly exitCode: number }
  | { readonly type: "fail"; readonly text: string; readonly exitCode: number };

/** What only the machine can answer. */
export interface CliHost {
  readonly version: string;
  readonly countWorkers: ConfigSources["countWorkers"];
  /** Whether a file is there. */
  isFile(path: string): boolean;
  readonly readFile: NonNullable<ConfigSources["readFile"]>;
  readonly kindOf?: ConfigSources["kindOf"];
}

/** gunicorn's exit codes: 1 for no application or a wrong configuration file, 2 for a wrong command line. */
const NO_APP = 1;
const WRONG_FILE = 1;
const WRONG_USE = 2;

/** `fileLayer`: what the configuration file says, once the answer was `read-file`. */
export function interpretCommandLine(
  argv: readonly string[],
  env: Environment,
  cwd: string,
  host: CliHost,
  fileLayer?: FileLayer,
): Intent {
  const line = parseCommandLine(argv);
  if (line.wantsHelp) return { type: "print", text: helpText(), exitCode: 0 };
  if (line.wantsVersion) return { type: "print", text: versionText(host.version), exitCode: 0 };
  const wanted = fileLayer === undefined ? wantedFile({ argv, env }, cwd, host) : undefined;
  if (wanted !== undefined) return wanted;
  const files = fileLayer === undefined ? [] : [fileLayer.layer];
  const { countWorkers, readFile, kindOf } = host;
  const site = fileLayer?.site;
  const loaded = loadConfig({ argv, env, cwd, files, site, countWorkers, readFile, kindOf });
  const problems = [
    ...(fileLayer === undefined ? [] : problemsWith(fileLayer, loaded)),
    ...(loaded.ok ? [] : loaded.problems),
  ];
  if (!loaded.ok || problems.length > 0) {
    const exitCode = fileLayer === undefined ? WRONG_USE : WRONG_FILE;
    const said = [...(fileLayer?.warnings ?? []), ...problems.map(describeProblem)];
    return { type: "fail", text: problemsText(said), exitCode };
  }
  const warnings = [...(fileLayer?.warnings ?? []), ...loaded.warnings];
  return intentOf({ ...loaded, warnings, notes: [...(fileLayer?.notes ?? []), ...loaded.notes] });
}

/** The configuration file is a program: with a wrong command line it is not even begun. */
function wantedFile(
  sources: Pick<ConfigSources, "argv" | "env">,
  cwd: string,
  host: CliHost,
): Intent | undefined {
  const { values, problems } = previewSettings(sources);
  if (problems.length > 0) return undefined;
  const { file, warnings } = findConfigFile(values.config, cwd, host.isFile);
  if (file === undefined) return undefined;
  const chdir = resolvePath(cwd, values.chdir);
  return {
    type: "read-file",
    file,
    python: values.python,
    chdir,
    bootTimeoutMs: values.boot_timeout,
    warnings,
  };
}

function intentOf(loaded: Extract<Loaded, { readonly ok: true }>): Intent {
  const { config, apps, origins, values, warnings, notes } = loaded;
  const site = isPlain(loaded) ? "" : printSiteText(config, apps);
  const text = values.print_config ? printConfigText(loaded) + site : "";
  if (values.print_config && !values.check_config) return { type: "print", text, exitCode: 0 };
  if (!isServable(config, apps)) return { type: "fail", text: NO_APP_TEXT, exitCode: NO_APP };
  const mode = values.check_config ? "check" : "serve";
  const cfg = plainValues(values, config);
  return { type: "run", mode, config, apps, cfg, origins, warnings, notes, text };
}

/** One application that gets everything: settings say it all. */
function isPlain({ apps, config }: Extract<Loaded, { readonly ok: true }>): boolean {
  const [only, ...others] = config.routes;
  return apps.every(({ name }) => name === APP_NAME) && only?.action.kind === "app" && others.length === 0;
}

function problemsText(problems: readonly string[]): string {
  const lines = problems.map((problem) => `tunicorn: error: ${problem}\n`);
  return `${lines.join("")}Run tunicorn --help for all options.\n`;
}

const NO_APP_TEXT = `tunicorn: error: No application module specified.
Usage: tunicorn [OPTIONS] APP
APP names the module and the application in it: tunicorn -b 127.0.0.1:8000 app:app
Files alone need none: tunicorn --static /=./public
Run tunicorn --help for all options.
`;
