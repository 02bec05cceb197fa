// The pid file of a server, which a server in another one's place takes over when that one is gone.

import { SUCCESSION_VARIABLE } from "../arbiter/activation.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../log/log.ts";
import { PidFile, PidFileError } from "../os/pid-file.ts";

/** Undefined when none is wanted; "failed", and said why, when it cannot be had. */
export function openPidFile({ pidFile: path }: Config, log: Log): PidFile | undefined | "failed" {
  if (path === "") return undefined;
  try {
    return new PidFile(isSuccessor() ? `${path}.2` : path, process.pid);
  } catch (error) {
    if (!(error instanceof PidFileError)) throw error;
    log.error(error.message);
    return "failed";
  }
}

/** Another server, which may still run, has started this one. */
export function isSuccessor(): boolean {
  return process.env[SUCCESSION_VARIABLE] !== undefined;
}

/** The server before is gone. */
export function promote(file: PidFile, path: string, log: Log): void {
  try {
    file.moveTo(path);
    log.info("took the place of the server before", { pidFile: path });
  } catch (error) {
    if (!(error instanceof PidFileError)) throw error;
    log.error(error.message);
  }
}
