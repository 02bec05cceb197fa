// The two ends of a request that a web server brought: the client as the web server tells of it, in place of the web server.

import type { Peer } from "../http/exchange.ts";

/** `variables`: as RequestHead.variables; `server`: the web server, at the other end of the socket. */
export function peerOfVariables(variables: readonly string[], server: Peer): Peer {
  const peer = {
    ...server,
    remoteAddress: "",
    remotePort: 0,
    localAddress: "",
    localPort: 0,
    isUnix: false,
    isTls: false,
    isTold: true,
    memo: undefined,
  };
  for (let i = 0; i < variables.length; i += 2) {
    const value = variables[i + 1] as string; // odd indices below length exist
    switch (variables[i]) {
      case "REMOTE_ADDR":
        peer.remoteAddress = value;
        break;
      case "REMOTE_PORT":
        peer.remotePort = portOf(value);
        break;
      case "SERVER_NAME":
        peer.localAddress = value;
        break;
      case "SERVER_PORT":
        peer.localPort = portOf(value);
        break;
      case "HTTPS":
        peer.isTls ||= /^(?:on|1|true|https)$/i.test(value);
        break;
      case "UWSGI_SCHEME":
      case "REQUEST_SCHEME":
        peer.isTls ||= value.toLowerCase() === "https";
        break;
      default:
        break;
    }
  }
  return peer;
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port <= 65_535 ? port : 0;
}
