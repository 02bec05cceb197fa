// A request → the `wsgi` dict of a REQUEST frame (docs/wire.md), one latin-1 string made of parts that callers may keep:
// what a connection repeats and what a header block repeats is encoded once. What may be in it is decided in handlers/.

import type { ClientCertificate, TlsFacts } from "../http/exchange.ts";
import { cipherSuite } from "../http/tls-suites.ts";
import { MARSHAL_DICT_END, MARSHAL_DICT_START, marshalAscii, marshalText } from "./marshal-writer.ts";

export interface EnvironConnection {
  readonly remoteAddress: string;
  /** undefined: no REMOTE_PORT, as for Unix sockets. */
  readonly remotePort: number | undefined;
}

export interface EnvironRequest {
  readonly method: string;
  /** As sent; printable ASCII. */
  readonly target: string;
  /** Percent-encoded and without the SCRIPT_NAME prefix; ASCII. */
  readonly path: string;
  readonly query: string;
  readonly scriptName: string;
  readonly protocol: string;
  /** -1: the request had no body and said nothing of one. */
  readonly contentLength: number;
  /** Who has shown a password to the server; undefined: nobody was asked. */
  readonly user?: string | undefined;
}

/** How a field name appears in the environ. One object per environ key, so that repeated fields are found by identity. */
interface FieldKey {
  readonly encoded: string;
  /** CONTENT_LENGTH is told per request; a decoded Transfer-Encoding is gone with its coding (RFC 9112 §6.1). */
  readonly isOmitted: boolean;
  readonly separator: string;
  /** The block that last held it. */
  seenInBlock: number;
}

const KEYS_MAX = 1024;
const KEY_CHARS_MAX = 65_536;

export class EnvironWriter {
  readonly #keysByName = new Map<string, FieldKey>();
  readonly #keysByEnviron = new Map<string, FieldKey>();
  #keyChars = 0;
  #blocks = 0;

  /** The start of the dict. */
  connectionPart(connection: EnvironConnection): string {
    const port = connection.remotePort;
    const remotePort = port === undefined ? "" : K_REMOTE_PORT + marshalAscii(`${port}`);
    return MARSHAL_DICT_START + K_REMOTE_ADDR + marshalText(connection.remoteAddress) + remotePort;
  }

  serverPart(name: string, port: string): string {
    return K_SERVER_NAME + marshalText(name) + K_SERVER_PORT + marshalText(port);
  }

  schemePart(scheme: string): string {
    return K_SCHEME + marshalAscii(scheme);
  }

  /** What mod_ssl tells of a connection over TLS, by its names. A client's fields begin with HTTP_ and cannot say the same. */
  tlsPart({ version, cipher, serverName, client }: TlsFacts): string {
    const part =
      K_HTTPS_ON +
      K_SSL_PROTOCOL +
      marshalText(version) +
      K_SSL_CIPHER +
      marshalText(cipherSuite(cipher)?.openssl ?? cipher) +
      (serverName === "" ? "" : K_SSL_TLS_SNI + marshalText(serverName)) +
      K_SSL_CLIENT_VERIFY +
      marshalText(verdictOn(client));
    return client === undefined ? part : part + clientPart(client);
  }

  /** `HTTP_*` and CONTENT_TYPE of name, value, name, value, …; repeated fields are joined (RFC 9110 §5.3). */
  fieldsPart(flat: readonly string[]): string {
    this.#forgetKeysBeyondLimit();
    this.#blocks += 1;
    let part = "";
    for (let i = 0; i < flat.length; i += 2) {
      const key = this.#key(flat[i] as string); // even indices below length exist, and so do their successors
      if (key.isOmitted) continue;
      if (key.seenInBlock === this.#blocks) return this.#joinedFieldsPart(flat);
      key.seenInBlock = this.#blocks;
      part += key.encoded + marshalText(flat[i + 1] as string);
    }
    return part;
  }

  /** Variables that a web server set: name, value, name, value, …; without those that are `skipped`. */
  variablesPart(flat: readonly string[], skipped: ReadonlySet<string>): string {
    let part = "";
    for (let i = 0; i < flat.length; i += 2) {
      const name = flat[i] as string; // even indices below length exist, and so do their successors
      if (!skipped.has(name)) part += marshalText(name) + marshalText(flat[i + 1] as string);
    }
    return part;
  }

  #joinedFieldsPart(flat: readonly string[]): string {
    const values = new Map<FieldKey, string>();
    for (let i = 0; i < flat.length; i += 2) {
      const key = this.#key(flat[i] as string); // as above
      const value = flat[i + 1] as string;
      const earlier = values.get(key);
      values.set(key, earlier === undefined ? value : earlier + key.separator + value);
    }
    let part = "";
    for (const [key, value] of values) if (!key.isOmitted) part += key.encoded + marshalText(value);
    return part;
  }

  #key(name: string): FieldKey {
    return this.#keysByName.get(name) ?? this.#learnKey(name);
  }

  #learnKey(name: string): FieldKey {
    const upper = name.toUpperCase();
    const environ = SPECIAL_KEYS.get(upper) ?? `HTTP_${upper.replaceAll("-", "_")}`;
    let key = this.#keysByEnviron.get(environ);
    if (key === undefined) {
      key = makeKey(environ, upper);
      this.#keysByEnviron.set(environ, key);
    }
    this.#keysByName.set(name, key);
    this.#keyChars += name.length;
    return key;
  }

  /** Clients choose the names, so the cache is bounded; it is never emptied within a block. */
  #forgetKeysBeyondLimit(): void {
    if (this.#keysByName.size <= KEYS_MAX && this.#keyChars <= KEY_CHARS_MAX) return;
    this.#keysByName.clear();
    this.#keysByEnviron.clear();
    this.#keyChars = 0;
  }

  /** The end of the dict: what differs from request to request. */
  requestPart(request: EnvironRequest): string {
    const { method, target, path, query, scriptName, contentLength } = request;
    const rawUri = marshalAscii(target);
    return (
      K_METHOD +
      marshalAscii(method) +
      (scriptName === "" ? K_SCRIPT_NAME_EMPTY : K_SCRIPT_NAME + marshalText(scriptName)) +
      K_PATH_INFO +
      marshalPath(path) +
      K_QUERY +
      marshalAscii(query) +
      K_RAW_URI +
      rawUri +
      K_REQUEST_URI +
      rawUri +
      K_PROTOCOL +
      marshalAscii(request.protocol) +
      (contentLength < 0 ? "" : K_CONTENT_LENGTH + marshalAscii(`${contentLength}`)) +
      (request.user === undefined ? "" : K_BASIC_USER + marshalText(bytesOf(request.user))) +
      MARSHAL_DICT_END
    );
  }
}

/** mod_ssl's words. */
function verdictOn(client: ClientCertificate | undefined): string {
  if (client === undefined) return "NONE";
  return client.error === "" ? "SUCCESS" : `FAILED:${client.error}`;
}

function clientPart({ subject, issuer, serial, chain }: ClientCertificate): string {
  return (
    K_SSL_CLIENT_S_DN +
    marshalText(bytesOf(subject)) +
    K_SSL_CLIENT_I_DN +
    marshalText(bytesOf(issuer)) +
    K_SSL_CLIENT_M_SERIAL +
    marshalText(serial) +
    K_SSL_CLIENT_CERT +
    marshalText(chain[0] ?? "")
  );
}

const SPECIAL_KEYS: ReadonlyMap<string, string> = new Map([
  ["CONTENT-TYPE", "CONTENT_TYPE"],
  ["CONTENT-LENGTH", "CONTENT_LENGTH"],
]);

function makeKey(environ: string, upperName: string): FieldKey {
  return {
    encoded: marshalText(environ),
    isOmitted: environ === "CONTENT_LENGTH" || upperName === "TRANSFER-ENCODING",
    // RFC 9113 §8.2.3: cookie crumbs are joined by "; ". The comma without a space is gunicorn's.
    separator: upperName === "COOKIE" ? "; " : ",",
    seenInBlock: 0,
  };
}

/** PEP 3333: the bytes of the decoded path, one character each. */
function marshalPath(path: string): string {
  return path.includes("%") ? marshalText(percentDecode(path)) : marshalAscii(path);
}

/** Text as the characters of its bytes. */
function bytesOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

const ESCAPE = /%([0-9A-Fa-f]{2})/g;

/** Each `%XX` becomes the character XX; what is no escape stays, as Python's unquote_to_bytes does. */
export function percentDecode(path: string): string {
  return path.replace(ESCAPE, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

const K_REMOTE_ADDR = marshalAscii("REMOTE_ADDR");
const K_REMOTE_PORT = marshalAscii("REMOTE_PORT");
const K_SERVER_NAME = marshalAscii("SERVER_NAME");
const K_SERVER_PORT = marshalAscii("SERVER_PORT");
const K_SCHEME = marshalAscii("wsgi.url_scheme");
const K_HTTPS_ON = marshalAscii("HTTPS") + marshalAscii("on");
const K_SSL_PROTOCOL = marshalAscii("SSL_PROTOCOL");
const K_SSL_CIPHER = marshalAscii("SSL_CIPHER");
const K_SSL_TLS_SNI = marshalAscii("SSL_TLS_SNI");
const K_SSL_CLIENT_VERIFY = marshalAscii("SSL_CLIENT_VERIFY");
const K_SSL_CLIENT_S_DN = marshalAscii("SSL_CLIENT_S_DN");
const K_SSL_CLIENT_I_DN = marshalAscii("SSL_CLIENT_I_DN");
const K_SSL_CLIENT_M_SERIAL = marshalAscii("SSL_CLIENT_M_SERIAL");
const K_SSL_CLIENT_CERT = marshalAscii("SSL_CLIENT_CERT");
const K_METHOD = marshalAscii("REQUEST_METHOD");
const K_SCRIPT_NAME = marshalAscii("SCRIPT_NAME");
const K_SCRIPT_NAME_EMPTY = K_SCRIPT_NAME + marshalAscii("");
const K_PATH_INFO = marshalAscii("PATH_INFO");
const K_QUERY = marshalAscii("QUERY_STRING");
const K_RAW_URI = marshalAscii("RAW_URI");
const K_REQUEST_URI = marshalAscii("REQUEST_URI");
const K_PROTOCOL = marshalAscii("SERVER_PROTOCOL");
const K_BASIC_USER = marshalAscii("AUTH_TYPE") + marshalAscii("Basic") + marshalAscii("REMOTE_USER");
const K_CONTENT_LENGTH = marshalAscii("CONTENT_LENGTH");
