// argv → role → compose → run. The internal role `front` is what the arbiter starts; all else is the command line.
// Each role loads its own rooms only: these processes live long, and their memory is the user's.

import { resolve } from "node:path";
import type { ControlCommand } from "./cli/control-command.ts";
import type { Intent } from "./cli/interpret.ts";
import type { OpenedFile } from "./compose/config-source.ts";

/** gunicorn's, for a configuration file that cannot be used. */
const WRONG_FILE = 1;
/** For a control command that cannot be read. */
const WRONG_USE = 2;
const given = process.argv.slice(2);

if (given[0] === "--role=front") (await import("./compose/front.ts")).runFront();
else process.exitCode = await runCommandLine();

async function runCommandLine(): Promise<number> {
  const { CONTROL_USAGE, readControlCommand } = await import("./cli/control-command.ts");
  const control = readControlCommand(given);
  if (control?.kind === "command") return talk(control.command);
  if (control?.kind === "help") {
    process.stdout.write(CONTROL_USAGE);
    return 0;
  }
  if (control !== undefined) {
    process.stderr.write(`tunicorn: error: ${control.problem}\n${CONTROL_USAGE}`);
    return WRONG_USE;
  }
  const { interpretCommandLine } = await import("./cli/interpret.ts");
  const { cliHost } = await import("./compose/cli-host.ts");
  const { START_FOLDER } = await import("./compose/program.ts");
  const { completeDevCommand } = await import("./cli/dev-command.ts");
  const complete = completeDevCommand(given, cliHost);
  if (!complete.ok) {
    process.stderr.write(`tunicorn: error: ${complete.problem}\n`);
    return WRONG_USE;
  }
  const { argv } = complete;
  const interpret = (layer?: OpenedFile["layer"]): Intent =>
    interpretCommandLine(argv, process.env, START_FOLDER, cliHost, layer);
  const intent = interpret();
  if (intent.type !== "read-file") return act(intent, await envFileOf(intent, argv));
  const { openConfigFile } = await import("./compose/config-source.ts");
  const opening = await openConfigFile({ ...intent, argv });
  if (opening.ok) {
    const warnings = [...intent.warnings, ...opening.layer.warnings];
    return act(interpret({ ...opening.layer, warnings }), opening);
  }
  process.stderr.write(`tunicorn: error: ${opening.problem}\n`);
  return WRONG_FILE;
}

async function envFileOf(intent: Intent, argv: readonly string[]): Promise<OpenedFile | undefined> {
  const path = intent.type === "run" ? intent.cfg["env_file"] : undefined;
  if (intent.type !== "run" || typeof path !== "string") return undefined;
  const { openEnvFile } = await import("./compose/config-source.ts");
  return openEnvFile(resolve(intent.config.chdir, path), argv);
}

async function act(intent: Intent, file: OpenedFile | undefined): Promise<number> {
  if (intent.type === "run") {
    process.stdout.write(intent.text);
    if (intent.mode === "serve" && intent.config.isDaemon) {
      const code = await inBackground(intent.config.inheritsStdio, file);
      if (code !== undefined) return code;
    }
    const { runArbiter } = await import("./compose/arbiter.ts");
    const { config, apps, mode: purpose, warnings, notes } = intent;
    return runArbiter({ config, apps, purpose, warnings, notes, file, argv: given });
  }
  file?.evaluation?.end();
  if (intent.type === "read-file") return WRONG_FILE; // never: the file was read
  (intent.type === "print" ? process.stdout : process.stderr).write(intent.text);
  return intent.exitCode;
}

/** A command for a server that runs: 0 when it was obeyed, else 1. */
async function talk({ request, socket, isJson }: ControlCommand): Promise<number> {
  const { askServer } = await import("./compose/control-client.ts");
  const { controlText } = await import("./cli/control-text.ts");
  const asked = await askServer(socket, request);
  if (!asked.ok) {
    process.stderr.write(`tunicorn: error: ${asked.problem}\n`);
    return 1;
  }
  process.stdout.write(isJson ? `${JSON.stringify(asked.reply)}\n` : controlText(request.type, asked.reply));
  return 0;
}

/** Undefined in the background itself. */
async function inBackground(keepsStdio: boolean, file: OpenedFile | undefined): Promise<number | undefined> {
  const { detach, isDetached } = await import("./compose/daemon.ts");
  if (isDetached()) return undefined;
  file?.evaluation?.end();
  return detach(given, { keepsStdio });
}
