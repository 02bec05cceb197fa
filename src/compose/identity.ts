// Who fronts and workers run as, when root starts the server: the arbiter binds, opens and stays root, for it alone makes
// processes of another user; those that clients talk to are not.

import { chownSync, closeSync, openSync } from "node:fs";
import type { Config } from "../config/config.ts";
import type { Log } from "../log/log.ts";
import { groupId, userId } from "../os/account.ts";
import { readText } from "../os/read-text.ts";

export interface Identity {
  /** -1 keeps. */
  readonly uid: number;
  readonly gid: number;
}

/** Undefined, after a clear line in the log, when it cannot be had. */
export function identityOf(config: Config, log: Log): Identity | undefined {
  const found = findIdentity(config);
  if (typeof found !== "string") return found;
  log.error(found);
  return undefined;
}

/** Why an application cannot be run as its settings say; undefined when it can. */
export function identityProblem(config: Config): string | undefined {
  const found = findIdentity(config);
  return typeof found === "string" ? found : undefined;
}

function findIdentity({ user, group }: Config): Identity | string {
  const [uid, gid] = [userId(user, readText), groupId(group, readText)];
  if (uid === undefined) return `there is no user ${user} here (--user)`;
  if (gid === undefined) return `there is no group ${group} here (--group)`;
  const isSame = isOwn(uid, process.getuid?.()) && isOwn(gid, process.getgid?.());
  return isSame || process.getuid?.() === 0
    ? { uid, gid }
    : "only root can run workers as another --user or --group";
}

function isOwn(wanted: number, own: number | undefined): boolean {
  return wanted < 0 || wanted === own;
}

/** Log files are opened anew by those who write them (SIGUSR1), so they must own them. As gunicorn does. */
export function giveLogs(config: Config, { uid, gid }: Identity, log: Log): void {
  if (uid < 0 && gid < 0) return;
  for (const path of [config.errorLog, config.accessLog]) {
    if (path === "" || path === "-" || path.startsWith("/dev/")) continue;
    try {
      closeSync(openSync(path, "a"));
      chownSync(path, uid, gid);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      log.error("a log file cannot be given to those who write it", { path, cause });
    }
  }
}
