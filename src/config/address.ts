// Where to listen, as gunicorn's --bind writes it.

import type { Address } from "./listener.ts";
import { accept, type Given, type Reading, reject, scalarText, type ValueType } from "./value-type.ts";

export const PORT_DEFAULT = 8000;

const EXPECTED =
  "expected HOST, HOST:PORT, :PORT, [IPV6]:PORT, unix:PATH, unix:@NAME, tcp://HOST:PORT or fd://N";

/** An address, or the reason why it is none. */
export function parseAddress(text: string): Reading<Address> {
  const trimmed = text.trim();
  if (/^unix:/i.test(trimmed)) return parseUnix(trimmed.slice("unix:".length));
  if (/^fd:\/\//i.test(trimmed)) return parseFd(trimmed.slice("fd://".length));
  return parseTcp(trimmed.replace(/^tcp:\/\//i, ""));
}

/** `unix:/run/a.sock` and `unix:///run/a.sock` name the same file; `unix:@name` an abstract socket (Linux). */
function parseUnix(rest: string): Reading<Address> {
  const path = rest.startsWith("//") ? rest.slice(2) : rest;
  if (path === "" || path === "@") return reject("expected a path behind unix:");
  if (path.includes("\0")) return reject("a socket's path cannot hold NUL");
  // sockaddr_un holds 108 bytes on Linux, with the NUL at the path's end or the one before an abstract name.
  if (new TextEncoder().encode(path).length > 107) return reject("a socket's path has at most 107 bytes");
  return accept({ kind: "unix", path });
}

function parseFd(rest: string): Reading<Address> {
  if (!/^\d{1,6}$/.test(rest)) return reject("expected the number of an open file descriptor behind fd://");
  return accept({ kind: "fd", fd: Number(rest) });
}

function parseTcp(text: string): Reading<Address> {
  if (/^\d+$/.test(text)) return reject(`a port alone is written :${text}, or 127.0.0.1:${text}`);
  const match =
    /^\[([0-9a-f:.]+(?:%[\w.-]+)?)\](?::(\d{1,5}))?$/i.exec(text) ?? /^([\w.*-]*)(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return reject(hintIpv6(text));
  const port = match[2] === undefined ? PORT_DEFAULT : Number(match[2]);
  if (port > 65535) return reject("a port is at most 65535");
  return accept({ kind: "tcp", host: tcpHost(match[1] ?? ""), port });
}

function tcpHost(host: string): string {
  return host === "" || host === "*" ? "0.0.0.0" : host.toLowerCase();
}

function hintIpv6(text: string): string {
  return /^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:]*$/i.test(text)
    ? "an IPv6 address stands in brackets: [::1]:8000"
    : EXPECTED;
}

/** As parseAddress reads it. */
export function showAddress(address: Address): string {
  switch (address.kind) {
    case "unix":
      return `unix:${address.path}`;
    case "fd":
      return `fd://${address.fd}`;
    case "tcp":
      return address.host.includes(":")
        ? `[${address.host}]:${address.port}`
        : `${address.host}:${address.port}`;
  }
}

export const ADDRESS: ValueType<Address> = {
  placeholder: "ADDRESS",
  repeats: false,
  read: (given: Given): Reading<Address> => parseAddress(scalarText(given) ?? ""),
  show: showAddress,
};
