// Who may speak for a client: IP addresses, networks in CIDR form, names that proxies call themselves, or "*" for everybody.

import { isIPv4, isIPv6 } from "node:net";
import { commaList, scalar, type ValueType } from "./value-type.ts";

const NETWORK: ValueType<string> = scalar(
  "IP",
  "expected an IP address, a network such as 10.0.0.0/8, private, unix, or *",
  (value) => (isNetwork(value.trim()) ? value.trim() : undefined),
);

export const NETWORKS: ValueType<readonly string[]> = commaList(NETWORK);

const PROXY: ValueType<string> = scalar(
  "IP",
  "expected an IP address, a network such as 10.0.0.0/8, a name that begins with a letter or _, or *",
  (value) => (isNetwork(value.trim()) || isProxyName(value.trim()) ? value.trim() : undefined),
);

/** As uvicorn has it: what is no address stands for itself where a forwarding field names its hops (RFC 7239 §6.3). */
export const PROXIES: ValueType<readonly string[]> = commaList(PROXY);

/** Nothing that could be meant as an address. */
function isProxyName(text: string): boolean {
  return /^[A-Za-z_][\w.-]*$/.test(text);
}

/** True for "*", `private`, `unix`, an address, or an address with a prefix length that its family allows. */
export function isNetwork(text: string): boolean {
  if (text === "*" || text === "private" || text === "unix") return true;
  const [address = "", bits, ...rest] = text.split("/");
  if (rest.length > 0) return false;
  const bitsMax = isIPv4(address) ? 32 : 128;
  if (!isIPv4(address) && !isIPv6(address)) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax);
}
