// A command line → what this run is to do. Pure but for the questions it is given (`host`), so that it is tested as a table.

import { parseCommandLine } from "../config/command-line.ts";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import type { Origins } from "../config/layer.ts";
import { type ConfigSources, type Loaded, loadConfig } from "../config/load.ts";
import { describeProblem } from "../config/problem.ts";
import { helpText } from "./help.ts";
import { printConfigText } from "./print-config.ts";
import { versionText } from "./version.ts";

export type Intent =
  | {
      readonly type: "run";
      /** `check`: load the application once, report, and exit. */
      readonly mode: "serve" | "check";
      readonly config: Config;
      readonly origins: Origins;
      /** To be logged as warnings at the start. */
      readonly warnings: readonly string[];
      /** To be logged as information at the start. */
      readonly notes: readonly string[];
      /** To be printed on stdout before anything else; "" mostly. */
      readonly text: string;
    }
  | { readonly type: "print"; readonly text: string; readonly exitCode: number }
  | { readonly type: "fail"; readonly text: string; readonly exitCode: number };

/** What only the machine can answer. */
export interface CliHost {
  readonly version: string;
  readonly countWorkers: ConfigSources["countWorkers"];
  /** Whether a file is there; a relative path is below the current directory. */
  isFile(path: string): boolean;
  readonly readFile: NonNullable<ConfigSources["readFile"]>;
}

/** gunicorn's exit codes: 1 for no application, 2 for a wrong command line. */
const NO_APP = 1;
const WRONG_USE = 2;

export function interpretCommandLine(
  argv: readonly string[],
  env: Environment,
  cwd: string,
  host: CliHost,
): Intent {
  const line = parseCommandLine(argv);
  if (line.wantsHelp) return { type: "print", text: helpText(), exitCode: 0 };
  if (line.wantsVersion) return { type: "print", text: versionText(host.version), exitCode: 0 };
  const loaded = loadConfig({ argv, env, cwd, countWorkers: host.countWorkers, readFile: host.readFile });
  if (!loaded.ok)
    return { type: "fail", text: problemsText(loaded.problems.map(describeProblem)), exitCode: WRONG_USE };
  return intentOf(loaded, host);
}

function intentOf(loaded: Extract<Loaded, { readonly ok: true }>, host: CliHost): Intent {
  const { config, origins, values, notes } = loaded;
  const warnings = [...loaded.warnings, ...unreadFiles(host)];
  const text = values.print_config ? printConfigText(loaded) : "";
  if (values.print_config && !values.check_config) return { type: "print", text, exitCode: 0 };
  if (config.app === "") return { type: "fail", text: NO_APP_TEXT, exitCode: NO_APP };
  return {
    type: "run",
    mode: values.check_config ? "check" : "serve",
    config,
    origins,
    warnings,
    notes,
    text,
  };
}

/** gunicorn reads its file unasked; who relies on that must be told that nobody does. */
function unreadFiles(host: CliHost): string[] {
  const file = "gunicorn.conf.py";
  return host.isFile(file) ? [`${file} is not read: configuration files do not exist in this release`] : [];
}

function problemsText(problems: readonly string[]): string {
  const lines = problems.map((problem) => `tunicorn: error: ${problem}\n`);
  return `${lines.join("")}Run tunicorn --help for all options.\n`;
}

const NO_APP_TEXT = `tunicorn: error: No application module specified.
Usage: tunicorn [OPTIONS] APP
APP names the module and the application in it: tunicorn -b 127.0.0.1:8000 app:app
Run tunicorn --help for all options.
`;
