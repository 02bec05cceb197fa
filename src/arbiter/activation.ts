// systemd's socket activation (sd_listen_fds(3)): listeners that were opened for us stand from descriptor 3 on. They take
// the place of the configured addresses, as with gunicorn.

import type { Address } from "../config/listener.ts";

const FIRST_FD = 3;
const FDS_MAX = 1024;
/** Set by bin/tunicorn: a datagram socket that is connected to $NOTIFY_SOCKET. */
export const NOTIFY_FD_VARIABLE: string = "_TUNICORN_NOTIFY_FD";
/** Set by a server for its process in the background, and for the server that shall take its place. */
export const DAEMON_VARIABLE: string = "_TUNICORN_DAEMON";
export const SUCCESSION_VARIABLE: string = "_TUNICORN_SUCCESSION";
/** Beside it: systemd opened these sockets, for the server before that one or for an earlier one. */
export const ACTIVATED_VARIABLE: string = "_TUNICORN_ACTIVATED";
/** What activation leaves in the environment; none of it is meant for children. */
const ACTIVATION_VARIABLES: readonly string[] = [
  "LISTEN_FDS",
  "LISTEN_PID",
  "LISTEN_FDNAMES",
  "LISTEN_PIDFDID",
  NOTIFY_FD_VARIABLE,
  DAEMON_VARIABLE,
  SUCCESSION_VARIABLE,
  ACTIVATED_VARIABLE,
];

/** Empty unless the variables name this process. */
export function activatedAddresses(env: NodeJS.ProcessEnv, pid: number): Address[] {
  if (env["LISTEN_PID"] !== String(pid)) return [];
  const count = Number(env["LISTEN_FDS"]);
  if (!Number.isInteger(count) || count < 1 || count > FDS_MAX) return [];
  return Array.from({ length: count }, (_, index) => ({ kind: "fd", fd: FIRST_FD + index }));
}

/** The environment for children. */
export function withoutActivation(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ACTIVATION_VARIABLES.includes(name)));
}
