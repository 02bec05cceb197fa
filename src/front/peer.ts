// The two ends of an accepted socket. Asked for at once: a socket that was reset no longer knows them.

import type { Socket } from "node:net";
import type { Peer } from "../http/exchange.ts";

const MAPPED = "::ffff:";

/** `unixPath` is the path of the listening Unix socket, undefined for TCP; `listener` is what routes call it. */
export function peerOf(socket: Socket, unixPath: string | undefined, listener: string): Peer {
  if (unixPath !== undefined) return unixPeer(unixPath, listener);
  return {
    remoteAddress: plainAddress(socket.remoteAddress ?? ""),
    remotePort: socket.remotePort ?? 0,
    localAddress: plainAddress(socket.localAddress ?? ""),
    localPort: socket.localPort ?? 0,
    isUnix: false,
    isTls: false,
    tls: undefined,
    listener,
    memo: undefined,
  };
}

function unixPeer(path: string, listener: string): Peer {
  return {
    remoteAddress: "",
    remotePort: 0,
    localAddress: path,
    localPort: 0,
    isUnix: true,
    isTls: false,
    tls: undefined,
    listener,
    memo: undefined,
  };
}

/** An IPv4 client of a dual-stack listener is an IPv4 client: trust rules and logs want one spelling. */
export function plainAddress(address: string): string {
  return address.startsWith(MAPPED) && address.includes(".") ? address.slice(MAPPED.length) : address;
}
