// A request → the `asgi` dict of a REQUEST frame (docs/wire.md): the twin of environ-writer.ts, with the scope's keys (ASGI 3,
// as uvicorn has them). One latin-1 string made of parts that callers may keep. What may be in it is decided in handlers/.

import type { TlsFacts } from "../http/exchange.ts";
import { cipherSuite, versionNumber } from "../http/tls-suites.ts";
import { percentDecode } from "./environ-writer.ts";
import {
  MARSHAL_DICT_END,
  MARSHAL_DICT_START,
  MARSHAL_NONE,
  marshalAscii,
  marshalBytes,
  marshalInt,
  marshalListHead,
  marshalText,
  marshalTupleHead,
} from "./marshal-writer.ts";

/** A host and its port; the path of a Unix socket has the port undefined. */
export interface ScopeAddress {
  readonly host: string;
  readonly port: number | undefined;
}

export interface ScopeRequest {
  /** undefined: a WebSocket, whose scope names no method. */
  readonly method: string | undefined;
  /** Percent-encoded; ASCII. */
  readonly path: string;
  readonly query: string;
  /** Put before the path, which a proxy has taken it off. */
  readonly rootPath: string;
  /** The beginning of the path that belongs to root_path as well. */
  readonly mount?: string;
  /** Who has shown a password, to this server or to the web server in front. */
  readonly user?: string | undefined;
  readonly version: string;
  /** Of a WebSocket. */
  readonly subprotocols: readonly string[];
}

const NAMES_MAX = 1024;
const NAME_CHARS_MAX = 65_536;

export class ScopeWriter {
  /** Field name as sent → the start of its (name, value) tuple. */
  readonly #names = new Map<string, string>();
  #nameChars = 0;

  /** The start of the dict. undefined: nobody can be named, as the client of a Unix socket. */
  connectionPart(client: ScopeAddress | undefined, server: ScopeAddress | undefined): string {
    return MARSHAL_DICT_START + K_CLIENT + marshalAddress(client) + K_SERVER + marshalAddress(server);
  }

  schemePart(scheme: string): string {
    return K_SCHEME + marshalAscii(scheme);
  }

  /** `tls`, the value of the ASGI extension of that name; the worker puts it in its place. */
  tlsPart({ version, cipher, serverCertificate, client }: TlsFacts): string {
    return (
      K_TLS +
      MARSHAL_DICT_START +
      K_SERVER_CERT +
      textOrNone(serverCertificate) +
      K_CLIENT_CERT_CHAIN +
      marshalTexts(client?.chain ?? []) +
      K_CLIENT_CERT_NAME +
      textOrNone(client?.subject) +
      K_CLIENT_CERT_ERROR +
      textOrNone(client?.error) +
      K_TLS_VERSION +
      intOrNone(versionNumber(version)) +
      K_CIPHER_SUITE +
      intOrNone(cipherSuite(cipher)?.number) +
      MARSHAL_DICT_END
    );
  }

  /** `variables` of name, value, name, value, …, as text: the value of an extension of our own, as `tls`. */
  variablesPart(flat: readonly string[]): string {
    let part = K_VARIABLES + MARSHAL_DICT_START;
    // Even indices below length exist, and so do their successors.
    for (let i = 0; i < flat.length; i += 2) {
      part += marshalText(flat[i] as string) + marshalText(flat[i + 1] as string);
    }
    return part + MARSHAL_DICT_END;
  }

  /** `headers` of name, value, name, value, …: in order, repeated ones apart, names in lower case. */
  fieldsPart(flat: readonly string[]): string {
    let part = K_HEADERS + marshalListHead(flat.length / 2);
    for (let i = 0; i < flat.length; i += 2) {
      // Even indices below length exist, and so do their successors.
      part += this.#name(flat[i] as string) + marshalBytes(flat[i + 1] as string);
    }
    return part;
  }

  #name(name: string): string {
    return this.#names.get(name) ?? this.#learnName(name);
  }

  /** Clients choose the names, so the cache is bounded. */
  #learnName(name: string): string {
    if (this.#names.size >= NAMES_MAX || this.#nameChars > NAME_CHARS_MAX) {
      this.#names.clear();
      this.#nameChars = 0;
    }
    const start = PAIR + marshalBytes(name.toLowerCase());
    this.#names.set(name, start);
    this.#nameChars += name.length;
    return start;
  }

  /** The end of the dict: what differs from request to request. */
  requestPart(request: ScopeRequest): string {
    const { method, path, rootPath, subprotocols } = request;
    const kind =
      method === undefined ? K_WEBSOCKET + marshalTexts(subprotocols) : K_HTTP + marshalAscii(method);
    return (
      kind +
      K_VERSION +
      marshalAscii(request.version) +
      K_PATH +
      marshalText(rootPath + decodePath(path)) +
      K_RAW_PATH +
      marshalBytes(utf8(rootPath) + path) +
      K_QUERY +
      marshalBytes(request.query) +
      K_ROOT_PATH +
      marshalText(rootPath + (request.mount ?? "")) +
      (request.user === undefined ? "" : marshalUser(request.user)) +
      MARSHAL_DICT_END
    );
  }
}

/** As Python's unquote: escapes are the bytes of UTF-8 text, with U+FFFD for what is none. */
function decodePath(path: string): string {
  if (!path.includes("%")) return path;
  const decoded = percentDecode(path);
  return BEYOND_ASCII.test(decoded) ? Buffer.from(decoded, "latin1").toString("utf8") : decoded;
}

const BEYOND_ASCII = /[\u0080-\u00ff]/;

/** Text as the characters of its bytes. */
function utf8(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** ASGI has no word for it: the value of an extension of our own, which the worker puts in its place. */
function marshalUser(name: string): string {
  return K_USER + marshalText(name) + MARSHAL_DICT_END;
}

function marshalAddress(address: ScopeAddress | undefined): string {
  if (address === undefined) return MARSHAL_NONE;
  const port = address.port === undefined ? MARSHAL_NONE : marshalInt(address.port);
  return PAIR + marshalText(address.host) + port;
}

function marshalTexts(texts: readonly string[]): string {
  return marshalListHead(texts.length) + texts.map(marshalText).join("");
}

/** "" is nothing, as undefined is. */
function textOrNone(text: string | undefined): string {
  return text === undefined || text === "" ? MARSHAL_NONE : marshalText(text);
}

function intOrNone(value: number | undefined): string {
  return value === undefined ? MARSHAL_NONE : marshalInt(value);
}

const PAIR = marshalTupleHead(2);
const K_CLIENT = marshalAscii("client");
const K_SERVER = marshalAscii("server");
const K_SCHEME = marshalAscii("scheme");
const K_HEADERS = marshalAscii("headers");
const K_TLS = marshalAscii("tls");
const K_SERVER_CERT = marshalAscii("server_cert");
const K_CLIENT_CERT_CHAIN = marshalAscii("client_cert_chain");
const K_CLIENT_CERT_NAME = marshalAscii("client_cert_name");
const K_CLIENT_CERT_ERROR = marshalAscii("client_cert_error");
const K_TLS_VERSION = marshalAscii("tls_version");
const K_CIPHER_SUITE = marshalAscii("cipher_suite");
const K_HTTP = marshalAscii("type") + marshalAscii("http") + marshalAscii("method");
const K_WEBSOCKET = marshalAscii("type") + marshalAscii("websocket") + marshalAscii("subprotocols");
const K_VERSION = marshalAscii("http_version");
const K_PATH = marshalAscii("path");
const K_RAW_PATH = marshalAscii("raw_path");
const K_QUERY = marshalAscii("query_string");
const K_VARIABLES = marshalAscii("variables");
const K_USER = marshalAscii("remote_user") + MARSHAL_DICT_START + marshalAscii("name");
const K_ROOT_PATH = marshalAscii("root_path");
