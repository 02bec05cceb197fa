// Redirections of a route: where a request is sent, made of what it asked for. Nothing that a client wrote can lead to another
// host than the route's text says, or add a line to the response.

import type { RouteAction } from "../../config/route.ts";
import type { Exchange, Handler, RequestHead } from "../../http/exchange.ts";
import { answerWithPage } from "../error-page.ts";
import { hostOf } from "./route-table.ts";

type Redirect = Extract<RouteAction, { readonly kind: "redirect" }>;
type Scheme = "http" | "https";

const VARIABLE = /\$(scheme|host|path|query|uri)(?![a-z])/g;

export class RedirectHandler implements Handler {
  readonly #action: Redirect;
  readonly #schemeOf: (exchange: Exchange) => Scheme;

  constructor(action: Redirect, schemeOf: (exchange: Exchange) => Scheme) {
    this.#action = action;
    this.#schemeOf = schemeOf;
  }

  handle(exchange: Exchange): void {
    const { to, status } = this.#action;
    const location = locationOf(to, exchange.head, () => this.#schemeOf(exchange));
    if (location === undefined)
      answerWithPage(exchange.response, 400, { detail: "The request names no host." });
    else answerWithPage(exchange.response, status, { lines: `Location: ${location}\r\n` });
  }
}

/** Undefined: the host is asked for, and an HTTP/1.0 client named none. */
function locationOf(to: string, head: RequestHead, scheme: () => Scheme): string | undefined {
  if (head.authority === "" && to.includes("$host")) return undefined;
  const location = to.replace(VARIABLE, (_, name: string) => variableOf(name, head, scheme));
  // A browser takes `//host` and `/\host` for another host.
  return location.startsWith("/") ? location.replace(/^[/\\]+/, "/") : location;
}

function variableOf(name: string, head: RequestHead, scheme: () => Scheme): string {
  if (name === "scheme") return scheme();
  if (name === "host") return safe(hostOf(head.authority));
  if (name === "query") return safe(head.query);
  const path = head.path.startsWith("/") ? safe(head.path) : "/";
  return name === "path" || head.query === "" ? path : `${path}?${safe(head.query)}`;
}

/** Targets are printable ASCII; what is not safe in a URL all the same is escaped. */
function safe(text: string): string {
  return text.replace(/[^!-~]|[\\"<>^`{|}]/g, (character) => encodeURIComponent(character));
}
