// The address of a statsd server, as gunicorn takes it: HOST:PORT for UDP, unix://PATH for a datagram socket.

import type { StatsdTarget } from "./config.ts";

const HOST_PORT = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i;

/** Undefined for what is neither; "" is off. */
export function parseStatsdHost(text: string): StatsdTarget | undefined {
  if (text === "") return { kind: "off" };
  const path = /^unix:\/\/(.+)$/.exec(text)?.[1];
  if (path !== undefined) return { kind: "unix", path };
  const match = HOST_PORT.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  return host !== undefined && port > 0 && port <= 65_535 ? { kind: "udp", host, port } : undefined;
}
