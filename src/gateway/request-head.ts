// A request's variables (RFC 3875 §4.1, as nginx, Apache and uWSGI have them) → its head. What the web server says of the path
// counts, since it may have rewritten it; where both agree, the path keeps the spelling that the client gave it.

import type { HttpVersion, RequestHead } from "../http/exchange.ts";
import { Fields } from "../http/fields.ts";
import type { MessageLimits } from "../http/limits.ts";
import { isAuthority, parseTarget } from "../http/target.ts";
import type { GatewayFault } from "./fault.ts";
import { quoteOdd, quotePath, unquote } from "./quoting.ts";
import type { VariableNames } from "./variable-names.ts";

export interface HeadOptions {
  readonly limits: MessageLimits;
  readonly names: VariableNames;
  /** The web server wants SCRIPT_NAME to be taken off PATH_INFO (uwsgi's modifier1 30). */
  readonly cutsPath: boolean;
  /** A body whose length nobody says has an end that can be seen (FastCGI). */
  readonly isDelimited: boolean;
}

const CONVENTIONAL_METHOD = /^[A-Z0-9!$%&'*+.^_`|~-]{3,20}$/;
const METHOD = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,255}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

/** The variables that make a head, gathered; then the head, or why there is none. */
export class HeadMaker {
  readonly #options: HeadOptions;
  readonly #fields: string[] = [];
  readonly #own: string[] = [];
  #method = "";
  #uri = "";
  #query: string | undefined = undefined;
  #scriptName: string | undefined = undefined;
  #pathInfo: string | undefined = undefined;
  #documentUri = "";
  #contentLength = "";
  #contentType = "";
  #protocol = "";
  #host: string | undefined = undefined;
  #isChunked = false;

  constructor(options: HeadOptions) {
    this.#options = options;
  }

  make(flat: readonly string[]): RequestHead | GatewayFault {
    for (let i = 0; i < flat.length; i += 2) {
      const fault = this.#take(flat[i] as string, flat[i + 1] as string); // both exist below length
      if (fault !== undefined) return fault;
    }
    return this.#judge() ?? this.#finish();
  }

  /** Of variables that come twice the last one counts: administrators set a name again to override an included file. */
  #take(name: string, value: string): GatewayFault | undefined {
    switch (name) {
      case "REQUEST_METHOD":
        this.#method = value;
        return undefined;
      case "REQUEST_URI":
        this.#uri = value;
        return undefined;
      case "QUERY_STRING":
        this.#query = value;
        return undefined;
      case "SCRIPT_NAME":
        this.#scriptName = value;
        return undefined;
      case "PATH_INFO":
        this.#pathInfo = value;
        return undefined;
      case "CONTENT_LENGTH":
        return this.#takeLength(value);
      case "CONTENT_TYPE":
        this.#contentType = value;
        return CONTROL.test(value) ? "ERR_GATEWAY_VARIABLE" : undefined;
      default:
        return this.#takeOther(name, value);
    }
  }

  #takeLength(value: string): GatewayFault | undefined {
    const isSecond = this.#contentLength !== "" && value !== this.#contentLength;
    this.#contentLength = value;
    return isSecond || !/^\d{0,15}$/.test(value) ? "ERR_GATEWAY_CONTENT_LENGTH" : undefined;
  }

  #takeOther(name: string, value: string): GatewayFault | undefined {
    const { kind, field } = this.#options.names.look(name);
    if (kind === "field") return this.#takeField(field, value);
    if (name === "HTTP_TRANSFER_ENCODING") this.#isChunked = value !== "";
    if (kind !== "own") return undefined;
    if (name === "DOCUMENT_URI") this.#documentUri = value;
    if (name === "SERVER_PROTOCOL") this.#protocol = value;
    this.#own.push(name, value);
    return undefined;
  }

  #takeField(field: string, value: string): GatewayFault | undefined {
    if (CONTROL.test(value)) return "ERR_GATEWAY_VARIABLE";
    if (field === "host") {
      if (this.#host !== undefined && this.#host !== value) return "ERR_GATEWAY_HOST";
      if (this.#host !== undefined) return undefined;
      this.#host = value;
      if (!isAuthority(value)) return "ERR_GATEWAY_HOST";
    }
    this.#fields.push(field, value);
    return undefined;
  }

  #judge(): GatewayFault | undefined {
    const { limits, isDelimited } = this.#options;
    if (limits.casefoldMethod) this.#method = this.#method.toUpperCase();
    const isMethod = limits.permitUnconventionalMethod ? METHOD : CONVENTIONAL_METHOD;
    if (!isMethod.test(this.#method)) return "ERR_GATEWAY_METHOD";
    if (CONTROL.test(this.#uri) || CONTROL.test(this.#query ?? "")) return "ERR_GATEWAY_TARGET";
    const lineBytesMax = limits.requestLineBytesMax > 0 ? limits.requestLineBytesMax : limits.headBytesMax;
    if (this.#method.length + this.#uri.length + LINE_REST_BYTES > lineBytesMax) {
      return "ERR_GATEWAY_TARGET_TOO_LONG";
    }
    if (this.#isChunked && this.#contentLength === "" && !isDelimited) return "ERR_GATEWAY_LENGTH_MISSING";
    const isTooLong = limits.bodyBytesMax > 0 && Number(this.#contentLength) > limits.bodyBytesMax;
    return isTooLong ? "ERR_GATEWAY_BODY_TOO_LARGE" : undefined;
  }

  #finish(): RequestHead | GatewayFault {
    const raw = quoteOdd(this.#uri);
    const asked = raw === "" ? undefined : parseTarget(this.#method, raw);
    if (asked === undefined && raw !== "") return "ERR_GATEWAY_TARGET";
    const askedPath = asked?.path ?? "";
    const scriptName = this.#settlePath(unquote(askedPath));
    const pathInfo = this.#pathInfo ?? "";
    const path = spelledPath(askedPath, scriptName, pathInfo);
    if (path === undefined) return "ERR_GATEWAY_TARGET";
    const query = quoteOdd(this.#query ?? asked?.query ?? "");
    this.#own.push("SCRIPT_NAME", scriptName, "PATH_INFO", pathInfo);
    if (this.#contentType !== "") this.#fields.push("content-type", this.#contentType);
    if (this.#contentLength !== "") this.#fields.push("content-length", this.#contentLength);
    return {
      method: this.#method,
      target: raw !== "" ? raw : query === "" ? path : `${path}?${query}`,
      path,
      query,
      version: versionOf(this.#protocol),
      authority: this.#host ?? "",
      fields: new Fields(this.#fields),
      bodyLength:
        this.#contentLength === "" ? (this.#options.isDelimited ? -1 : 0) : Number(this.#contentLength),
      variables: this.#own,
    };
  }

  /**
   * SCRIPT_NAME, with PATH_INFO set beside it. A web server that names no PATH_INFO (nginx's fastcgi_params and scgi_params
   * do not) calls the whole path SCRIPT_NAME or DOCUMENT_URI.
   */
  #settlePath(askedPath: string): string {
    const scriptName = this.#scriptName ?? "";
    if (this.#pathInfo !== undefined) return this.#cutPath(scriptName, this.#pathInfo);
    const whole = this.#documentUri || askedPath;
    if (scriptName === "" || scriptName === whole || whole === "") {
      this.#pathInfo = whole || scriptName;
      return "";
    }
    this.#pathInfo = whole.startsWith(`${scriptName}/`) ? whole.slice(scriptName.length) : "";
    return scriptName;
  }

  #cutPath(scriptName: string, pathInfo: string): string {
    const isCut = this.#options.cutsPath && scriptName !== "" && pathInfo.startsWith(scriptName);
    if (isCut) this.#pathInfo = pathInfo.slice(scriptName.length);
    return scriptName;
  }
}

/** ` HTTP/1.1` and the spaces: gunicorn counts the line without its end. */
const LINE_REST_BYTES = " ".length + " HTTP/1.1".length;

/** The path that the application sees, percent-encoded: as the client spelled it where that means the same. */
function spelledPath(askedPath: string, scriptName: string, pathInfo: string): string | undefined {
  if (askedPath === "*" && scriptName === "" && (pathInfo === "*" || pathInfo === "")) return "*";
  const path = scriptName + pathInfo;
  if (path === "") return "/";
  if (!path.startsWith("/")) return undefined;
  const isSame = unquote(askedPath) === path && askedPath.startsWith(quotePath(scriptName));
  return isSame ? askedPath : quotePath(path);
}

function versionOf(protocol: string): HttpVersion {
  if (protocol === "HTTP/1.0" || protocol === "HTTP/0.9") return "1.0";
  return /^HTTP\/[23]/.test(protocol) ? "2" : "1.1";
}
