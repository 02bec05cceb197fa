// Where the control socket is when nobody said: the first runtime folder that can be written. No folder is made, and none is
// needed: a server without one serves all the same.

import { accessSync, constants } from "node:fs";
import { join } from "node:path";

export const CONTROL_SOCKET_NAME = "tunicorn.sock";

/** systemd's RuntimeDirectory= may name several, with colons between. */
export function runtimeFolders(env: NodeJS.ProcessEnv): readonly string[] {
  const service = env["RUNTIME_DIRECTORY"]?.split(":")[0] ?? "";
  return [service, env["XDG_RUNTIME_DIR"] ?? "", "/run/tunicorn"].filter((folder) => folder.startsWith("/"));
}

/** Undefined when no folder can be written. */
export function defaultControlPath(env: NodeJS.ProcessEnv): string | undefined {
  const folder = runtimeFolders(env).find(isWritable);
  return folder === undefined ? undefined : join(folder, CONTROL_SOCKET_NAME);
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours: the next one may be.
    return false;
  }
}
