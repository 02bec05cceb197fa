// A set of IP addresses, written as addresses, CIDR networks, `private` or "*". Pure: no name is ever looked up.

interface Network {
  readonly bytes: readonly number[];
  readonly bits: number;
}

const V4_BYTES = 4;
const V6_GROUPS = 8;
/** ::ffff:0:0/96 (RFC 4291 §2.5.5.2): an IPv4 address as a socket of both families shows it. */
const MAPPED_PREFIX: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

/** `private`: addresses that nobody has on the internet (RFC 1918, 4193, 3927, 4291), the machine itself included. */
const PRIVATE_NETWORKS: readonly string[] = [
  ...["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"],
  ...["::1/128", "fc00::/7", "fe80::/10"],
];

export class AddressSet {
  readonly #isEverything: boolean;
  readonly #networks: readonly Network[];
  /** Entries that are no address: they name themselves (uvicorn's literals, e.g. "unix"). */
  readonly #literals: ReadonlySet<string>;

  constructor(words: readonly string[]) {
    const entries = words.flatMap((word) => (word === "private" ? PRIVATE_NETWORKS : [word]));
    const networks = entries.map(parseNetwork);
    this.#isEverything = entries.includes("*");
    this.#networks = networks.filter((network) => network !== undefined);
    this.#literals = new Set(entries.filter((_, index) => networks[index] === undefined));
  }

  /** A member, and so is every address: then nobody is a stranger at the far end of a chain of proxies. */
  get isEverything(): boolean {
    return this.#isEverything;
  }

  has(address: string): boolean {
    if (this.#isEverything) return true;
    const bytes = parseAddress(address);
    if (bytes === undefined) return this.#literals.has(address);
    return this.#networks.some((network) => isWithin(bytes, network));
  }
}

/** An IPv4 address as 4 bytes, an IPv6 address as 16; an IPv4 address in IPv6 clothes is an IPv4 address. */
export function parseAddress(text: string): readonly number[] | undefined {
  if (!text.includes(":")) return parseV4(text);
  const zone = text.indexOf("%");
  const bytes = parseV6(zone < 0 ? text : text.slice(0, zone));
  const isMapped = bytes !== undefined && MAPPED_PREFIX.every((byte, index) => bytes[index] === byte);
  return isMapped ? bytes.slice(MAPPED_PREFIX.length) : bytes;
}

function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf("/");
  const bytes = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (bytes === undefined) return undefined;
  const bitsMax = bytes.length * 8;
  if (slash < 0) return { bytes, bits: bitsMax };
  const given = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(given)) return undefined;
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const isMapped = bytes.length === V4_BYTES && text.includes(":");
  const bits = Number(given) - (isMapped ? MAPPED_PREFIX.length * 8 : 0);
  return bits >= 0 && bits <= bitsMax ? { bytes, bits } : undefined;
}

function isWithin(bytes: readonly number[], network: Network): boolean {
  if (bytes.length !== network.bytes.length) return false;
  const whole = network.bits >> 3;
  for (let i = 0; i < whole; i += 1) if (bytes[i] !== network.bytes[i]) return false;
  const rest = network.bits & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((bytes[whole] ?? 0) & mask) === ((network.bytes[whole] ?? 0) & mask);
}

function parseV4(text: string): readonly number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== V4_BYTES) return undefined;
  // A leading zero is octal to some and decimal to others: to nobody here.
  const isByte = (part: string): boolean => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255;
  return parts.every(isByte) ? parts.map(Number) : undefined;
}

function parseV6(text: string): readonly number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const isWhole = halves.length === 1;
  const head = parseGroups(halves[0] ?? "", isWhole);
  const tail = parseGroups(halves[1] ?? "", true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = V6_GROUPS * 2 - head.length - tail.length;
  if (isWhole) return missing === 0 ? head : undefined;
  return missing >= 2 ? [...head, ...new Array<number>(missing).fill(0), ...tail] : undefined;
}

/** `a:b:c` as bytes; the last group of an address may be an IPv4 address. */
function parseGroups(text: string, isAtEnd: boolean): readonly number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    const isLast = isAtEnd && index === groups.length - 1;
    const parsed = isLast && group.includes(".") ? parseV4(group) : parseGroup(group);
    if (parsed === undefined) return undefined;
    bytes.push(...parsed);
  }
  return bytes.length <= V6_GROUPS * 2 ? bytes : undefined;
}

function parseGroup(group: string): readonly number[] | undefined {
  if (!/^[0-9A-Fa-f]{1,4}$/.test(group)) return undefined;
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}
