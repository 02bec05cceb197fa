// What a finished handshake says of client and server. Asked for at once: a closed socket no longer knows.

import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { ClientCertificate, TlsFacts } from "../http/exchange.ts";

/** Of a client's chain. */
const CHAIN_MAX = 10;

export interface FactsOrder {
  /** What the client asked for; "" for nothing. */
  readonly serverName: string;
  readonly serverCertificate: string;
  readonly asksClient: boolean;
}

export function factsOf(socket: TLSSocket, order: FactsOrder): TlsFacts {
  const { serverName, serverCertificate, asksClient } = order;
  return {
    version: socket.getProtocol() ?? "",
    cipher: socket.getCipher()?.standardName ?? "",
    serverName,
    serverCertificate,
    client: asksClient ? clientOf(socket) : undefined,
  };
}

function clientOf(socket: TLSSocket): ClientCertificate | undefined {
  const own = socket.getPeerX509Certificate();
  if (own === undefined) return undefined;
  return {
    chain: chainOf(own),
    subject: rfc4514(own.subject),
    issuer: rfc4514(own.issuer),
    serial: own.serialNumber.toUpperCase(),
    error: "",
  };
}

function chainOf(own: X509Certificate): string[] {
  const chain: string[] = [];
  for (let one: X509Certificate | undefined = own; one !== undefined; one = one.issuerCertificate) {
    if (chain.length === CHAIN_MAX) break;
    chain.push(one.toString());
  }
  return chain;
}

/** Node writes one attribute on each line, values escaped as RFC 4514 has it; that wants the last first, and commas. */
function rfc4514(lines: string | undefined): string {
  return (lines ?? "").split("\n").reverse().join(",").replaceAll(" + ", "+");
}
