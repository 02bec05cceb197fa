// Who fronts and workers run as, when root starts the server: the arbiter binds, opens and stays root, for it alone makes
// processes of another user; those that clients talk to are not.

import { chownSync, closeSync, openSync } from "node:fs";
import type { Config } from "../config/config.ts";
import type { Log } from "../log/log.ts";
import { groupId, userId } from "../os/account.ts";
import { readText } from "./program.ts";

export interface Identity {
  /** -1 keeps. */
  readonly uid: number;
  readonly gid: number;
}

/** Undefined, after a clear line in the log, when it cannot be had. */
export function identityOf({ user, group }: Config, log: Log): Identity | undefined {
  const [uid, gid] = [userId(user, readText), groupId(group, readText)];
  if (uid === undefined || gid === undefined) {
    log.error("the user or group does not exist here", { user, group });
    return undefined;
  }
  const isSame = isOwn(uid, process.getuid?.()) && isOwn(gid, process.getgid?.());
  if (isSame || process.getuid?.() === 0) return { uid, gid };
  log.error("only root can run workers as somebody else", { user, group });
  return undefined;
}

function isOwn(wanted: number, own: number | undefined): boolean {
  return wanted < 0 || wanted === own;
}

/** Log files are opened anew by those who write them (SIGUSR1), so they must own them. As gunicorn does. */
export function giveLogs(config: Config, { uid, gid }: Identity): void {
  if (uid < 0 && gid < 0) return;
  for (const path of [config.errorLog, config.accessLog]) {
    if (path === "" || path === "-" || path.startsWith("/dev/")) continue;
    closeSync(openSync(path, "a"));
    chownSync(path, uid, gid);
  }
}
