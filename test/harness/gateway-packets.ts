// Requests as a web server writes them in uwsgi, SCGI and FastCGI; and what it gets back, taken apart.

export type Variables = Readonly<Record<string, string>> | readonly (readonly [string, string])[];

export function uwsgiPacket(
  variables: Variables,
  options: { modifier1?: number; size?: number } = {},
): Buffer {
  const parts = pairs(variables).flatMap(([name, value]) => [sized16(name), sized16(value)]);
  const block = Buffer.concat(parts);
  const start = Buffer.from([options.modifier1 ?? 0, 0, 0, 0]);
  start.writeUInt16LE(options.size ?? block.length, 1);
  return Buffer.concat([start, block]);
}

export function scgiPacket(variables: Variables): Buffer {
  const text = pairs(variables)
    .map(([name, value]) => `${name}\0${value}\0`)
    .join("");
  return Buffer.from(`${text.length}:${text},`, "latin1");
}

export const FASTCGI = {
  begin: 1,
  abort: 2,
  end: 3,
  params: 4,
  stdin: 5,
  stdout: 6,
  data: 8,
  getValues: 9,
  getValuesResult: 10,
  unknown: 11,
} as const;

export function record(type: number, id: number, content: Buffer | string = "", padding = 0): Buffer {
  const bytes = Buffer.from(content as string, "latin1"); // a Buffer is copied as it is
  const head = Buffer.from([1, type, id >> 8, id & 255, bytes.length >> 8, bytes.length & 255, padding, 0]);
  return Buffer.concat([head, bytes, Buffer.alloc(padding)]);
}

export function beginRecord(id: number, options: { role?: number; keep?: boolean } = {}): Buffer {
  return record(FASTCGI.begin, id, Buffer.from([0, options.role ?? 1, options.keep ? 1 : 0, 0, 0, 0, 0, 0]));
}

export function nameValues(variables: Variables): Buffer {
  return Buffer.concat(
    pairs(variables).flatMap(([name, value]) => [
      size(name.length),
      size(value.length),
      Buffer.from(name + value, "latin1"),
    ]),
  );
}

/** A whole request. */
export function fastcgiRequest(
  variables: Variables,
  body = "",
  options: { id?: number; keep?: boolean } = {},
): Buffer {
  const id = options.id ?? 1;
  const stdin = body === "" ? [] : [record(FASTCGI.stdin, id, body, 3)];
  return Buffer.concat([
    beginRecord(id, options),
    record(FASTCGI.params, id, nameValues(variables), 5),
    record(FASTCGI.params, id),
    ...stdin,
    record(FASTCGI.stdin, id),
  ]);
}

export interface FastcgiRecord {
  readonly type: number;
  readonly id: number;
  readonly content: string;
}

export function readRecords(text: string): FastcgiRecord[] {
  const bytes = Buffer.from(text, "latin1");
  const found: FastcgiRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16BE(at + 4);
    const content = bytes.toString("latin1", at + 8, at + 8 + length);
    found.push({ type: bytes[at + 1] ?? 0, id: bytes.readUInt16BE(at + 2), content });
    at += 8 + length + (bytes[at + 6] ?? 0);
  }
  return found;
}

/** What the records of a response say, without their heads. */
export function stdoutOf(text: string): string {
  return readRecords(text)
    .filter(({ type }) => type === FASTCGI.stdout)
    .map(({ content }) => content)
    .join("");
}

function pairs(variables: Variables): readonly (readonly [string, string])[] {
  return Array.isArray(variables) ? variables : Object.entries(variables);
}

function sized16(text: string): Buffer {
  const bytes = Buffer.alloc(2 + text.length);
  bytes.writeUInt16LE(text.length, 0);
  bytes.write(text, 2, "latin1");
  return bytes;
}

function size(length: number): Buffer {
  if (length < 128) return Buffer.from([length]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length + 2 ** 31);
  return bytes;
}
