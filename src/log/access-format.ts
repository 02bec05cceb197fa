// An access line, compiled once from --access-logformat into a list of functions, or as JSON.
// What is missing is written as "-". Whatever a client sent is escaped (log/escape.ts).

import { type AccessAtom, type AccessPiece, parseAccessFormat } from "../config/access-grammar.ts";
import { ACCESS_FORMAT_DEVELOPMENT, ACCESS_FORMAT_UVICORN } from "../config/settings/logging.ts";
import { reasonPhrase } from "../http/status.ts";
import type { AccessRecord } from "./access-record.ts";
import { bold, coloredLevel, coloredStatus } from "./color.ts";
import { developmentLine } from "./development-format.ts";
import { escapeAccess, jsonText } from "./escape.ts";
import { accessTime, perSecond } from "./log-time.ts";

/** A line without its line break. */
export type FormatAccess = (record: AccessRecord) => string;

/** Throws for a format that parseAccessFormat refuses; a Config holds none. */
export function compileAccessFormat(format: string, colors: boolean = false): FormatAccess {
  if (format === ACCESS_FORMAT_DEVELOPMENT) return (record) => developmentLine(record, colors);
  if (colors && format === ACCESS_FORMAT_UVICORN) return coloredUvicornLine;
  const parsed = parseAccessFormat(format);
  if (!parsed.ok) throw new Error(`access log format ${parsed.reason}`);
  const parts = parsed.value.map(compilePiece);
  return (record) => {
    let line = "";
    for (const part of parts) line += typeof part === "string" ? part : part(record);
    return line;
  };
}

function compilePiece(piece: AccessPiece): string | FormatAccess {
  switch (piece.type) {
    case "text":
      return piece.text;
    case "atom":
      return ATOMS[piece.atom];
    case "named":
      return compileNamed(piece.kind, piece.name);
  }
}

/** ACCESS_FORMAT_UVICORN as uvicorn colours it. */
function coloredUvicornLine(record: AccessRecord): string {
  const { status } = record;
  const answer = coloredStatus(status, `${status} ${reasonPhrase(status)}`);
  return `${INFO}:     ${escapeAccess(clientAndPort(record))} - "${bold(requestLine(record))}" ${answer}`;
}

const INFO = coloredLevel("info");

const timeText = perSecond(accessTime);

const ATOMS: Readonly<Record<AccessAtom, FormatAccess>> = {
  h: (r) => orDash(clientAddress(r)),
  l: () => "-",
  u: (r) => orDash(remoteUser(r)),
  t: (r) => timeText(r.startedAtUnixMs + r.elapsedMs),
  r: requestLine,
  m: (r) => orDash(r.head?.method ?? ""),
  U: (r) => orDash(r.head?.path ?? ""),
  q: (r) => escapeAccess(r.head?.query ?? ""),
  H: protocol,
  s: (r) => String(r.status),
  B: (r) => String(r.bodyBytes),
  // As gunicorn writes it: 0 where Apache would have "-".
  b: (r) => String(r.bodyBytes),
  f: (r) => requestField(r, "referer"),
  a: (r) => requestField(r, "user-agent"),
  T: (r) => String(Math.floor(r.elapsedMs / 1000)),
  M: (r) => String(Math.floor(r.elapsedMs)),
  D: (r) => String(Math.round(r.elapsedMs * 1000)),
  L: (r) => (r.elapsedMs / 1000).toFixed(6),
  p: (r) => (r.notes.workerPid > 0 ? `<${r.notes.workerPid}>` : "-"),
  Q: (r) => (r.notes.queueMs < 0 ? "-" : r.notes.queueMs.toFixed(3)),
  A: (r) => (r.notes.appMicros < 0 ? "-" : (r.notes.appMicros / 1000).toFixed(3)),
  I: (r) => String(r.requestBytes),
  R: (r) => String(r.notes.retries),
  N: (r) => String(r.id),
  X: (r) => r.abortCause ?? "-",
  S: (r) => orDash(r.notes.scheme),
  P: (r) => orDash(r.peer.remoteAddress),
  C: (r) => escapeAccess(clientAndPort(r)),
  O: (r) => reasonPhrase(r.status),
};

function orDash(text: string): string {
  return text === "" ? "-" : escapeAccess(text);
}

/** As the application was told, else the socket's other end; "" over a Unix socket. */
function clientAddress(record: AccessRecord): string {
  return record.notes.clientAddress === "" ? record.peer.remoteAddress : record.notes.clientAddress;
}

/** As uvicorn has it: `address:port`, port 0 when a proxy named the address, nothing over a Unix socket. */
function clientAndPort({ notes, peer }: AccessRecord): string {
  if (notes.clientAddress !== "") return `${notes.clientAddress}:0`;
  return peer.remoteAddress === "" ? "" : `${peer.remoteAddress}:${peer.remotePort}`;
}

function requestLine(record: AccessRecord): string {
  const { head } = record;
  if (head === undefined) return orDash(record.requestLine);
  return `${escapeAccess(head.method)} ${escapeAccess(head.target)} HTTP/${head.version}`;
}

function protocol(record: AccessRecord): string {
  return record.head === undefined ? "-" : `HTTP/${record.head.version}`;
}

function requestField(record: AccessRecord, lowerName: string): string {
  const value = record.head?.fields.get(lowerName);
  return value === undefined || value === "" ? "-" : escapeAccess(value);
}

/** Whom the web server in front has let in; else whom the client says it is. */
function remoteUser(record: AccessRecord): string {
  return variable(record, "REMOTE_USER") || basicUser(record);
}

/** What a web server has set over uwsgi or its like; as there, the last of a name counts. */
function variable({ head }: AccessRecord, name: string): string {
  const flat = head?.variables ?? [];
  for (let i = flat.length - 2; i >= 0; i -= 2) if (flat[i] === name) return flat[i + 1] ?? "";
  return "";
}

/** The user of HTTP Basic authentication (RFC 7617); nobody has checked the password here. */
function basicUser(record: AccessRecord): string {
  const value = record.head?.fields.get("authorization");
  const match = value === undefined ? null : /^basic +([A-Za-z0-9+/=_-]{1,1024})$/i.exec(value);
  const pair = match === null ? "" : Buffer.from(match[1] ?? "", "base64").toString("latin1");
  const colon = pair.indexOf(":");
  return colon < 0 ? "" : pair.slice(0, colon);
}

function compileNamed(kind: "i" | "o" | "e", name: string): FormatAccess {
  switch (kind) {
    case "i":
      return (record) => requestField(record, name);
    case "o":
      return (record) => orDash(responseField(record.responseBlock, name));
    case "e":
      return (record) => orDash(environValue(record, name));
  }
}

/** The first field `lowerName` of a ready-made header block. */
function responseField(block: string, lowerName: string): string {
  for (let at = 0; at < block.length; ) {
    const lineEnd = block.indexOf("\r\n", at);
    const end = lineEnd < 0 ? block.length : lineEnd;
    const colon = block.indexOf(":", at);
    const isWanted = colon - at === lowerName.length && block.slice(at, colon).toLowerCase() === lowerName;
    if (isWanted) return block.slice(colon + 1, end).trim();
    at = end + 2;
  }
  return "";
}

/** What the front knows of the environ; the rest is the worker's. `name` is in lower case. */
function environValue(record: AccessRecord, name: string): string {
  const known = Object.hasOwn(ENVIRON, name) ? ENVIRON[name] : undefined;
  if (known !== undefined) return known(record);
  if (!name.startsWith("http_")) return variable(record, name.toUpperCase());
  return record.head?.fields.get(name.slice("http_".length).replaceAll("_", "-")) ?? "";
}

const ENVIRON: Readonly<Record<string, FormatAccess>> = {
  request_method: (r) => r.head?.method ?? "",
  raw_uri: (r) => r.head?.target ?? "",
  request_uri: (r) => r.head?.target ?? "",
  query_string: (r) => r.head?.query ?? "",
  server_protocol: (r) => (r.head === undefined ? "" : `HTTP/${r.head.version}`),
  remote_addr: clientAddress,
  remote_port: (r) => (r.peer.remotePort === 0 ? "" : String(r.peer.remotePort)),
  content_type: (r) => r.head?.fields.get("content-type") ?? "",
  content_length: (r) => r.head?.fields.get("content-length") ?? "",
  "wsgi.url_scheme": (r) => r.notes.scheme,
};

/** One JSON object. Absent values are left out. */
export function formatAccessJson(record: AccessRecord): string {
  const { head, notes } = record;
  let line = `{"time":"${isoText(record.startedAtUnixMs)}","id":${record.id}`;
  line += jsonMember("client", clientAddress(record));
  line += head === undefined ? jsonMember("request_line", record.requestLine) : jsonHead(record, head);
  line += `,"status":${record.status},"bytes":${record.bodyBytes}`;
  line += `,"request_bytes":${record.requestBytes},"duration_ms":${round3(record.elapsedMs)}`;
  if (notes.queueMs >= 0) line += `,"queue_ms":${round3(notes.queueMs)}`;
  if (notes.appMicros >= 0) line += `,"app_ms":${round3(notes.appMicros / 1000)}`;
  if (notes.workerPid > 0) line += `,"worker_pid":${notes.workerPid}`;
  if (notes.retries > 0) line += `,"retries":${notes.retries}`;
  return `${line}${jsonMember("cause", record.abortCause ?? "")}}`;
}

const isoSecond = perSecond((date) => date.toISOString().slice(0, -"000Z".length));

/** As Date's toISOString, with the second remembered. */
function isoText(unixMs: number): string {
  const ms = Math.floor(unixMs) % 1000;
  return `${isoSecond(unixMs)}${ms < 100 ? (ms < 10 ? "00" : "0") : ""}${ms}Z`;
}

function jsonHead(record: AccessRecord, head: NonNullable<AccessRecord["head"]>): string {
  const { fields } = head;
  return (
    `,"method":${jsonText(head.method)},"path":${jsonText(head.path)}` +
    jsonMember("query", head.query) +
    jsonMember("scheme", record.notes.scheme) +
    `,"protocol":"HTTP/${head.version}"` +
    jsonMember("host", head.authority) +
    jsonMember("referer", fields.get("referer") ?? "") +
    jsonMember("user_agent", fields.get("user-agent") ?? "")
  );
}

function jsonMember(name: string, value: string): string {
  return value === "" ? "" : `,"${name}":${jsonText(value)}`;
}

function round3(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
