// Why an address could not be opened, in a line that says what to do.

import { getSystemErrorName } from "node:util";

export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly code: string;
  readonly address: string;
  /** 0 where there is none. */
  readonly port: number;

  constructor(code: string, address: string, port: number, options?: ErrorOptions) {
    super(`cannot listen on ${address}: ${explain(code, port)}`, options);
    this.code = code;
    this.address = address;
    this.port = port;
  }

  /** Whoever has the address now may be about to end. */
  get isWorthRetrying(): boolean {
    return this.code === "EADDRINUSE" && this.port !== 0;
  }

  /** `errno` is negative, as libuv has it. */
  static fromErrno(errno: number, address: string, port: number): ListenError {
    return new ListenError(getSystemErrorName(errno), address, port);
  }

  static fromError(error: unknown, address: string): ListenError {
    const code = error instanceof Error && "code" in error ? String(error.code) : "EIO";
    return new ListenError(code, address, 0, { cause: error });
  }
}

function explain(code: string, port: number): string {
  switch (code) {
    case "EADDRINUSE":
    case "EEXIST":
      return "it is in use";
    case "UNKNOWN_OWNER":
      return "the owner of Unix sockets does not exist here";
    case "FOREIGN_OWNER":
      return "only root can give it to another owner (--socket-owner, --user, --group)";
    case "EBADF":
      return "a descriptor can be given when the server is started, not later";
    case "EACCES":
      return port > 0 && port < 1024
        ? "ports below 1024 need root or CAP_NET_BIND_SERVICE"
        : "permission denied";
    case "EPERM":
      return "not permitted";
    case "EADDRNOTAVAIL":
      return "this machine does not have that address";
    case "ENOTFOUND":
      return "the host name does not resolve";
    case "ENOTSOCK":
      return "it exists and is not a socket";
    case "ENOENT":
      return "its folder does not exist";
    case "ENAMETOOLONG":
      return "the path is longer than a Unix socket's name can be (107 bytes)";
    case "EROFS":
      return "its folder is read-only";
    case "EINVAL":
      return "the address is not valid here";
    default:
      return code;
  }
}
