// Which requests are for folders: the routes of a command line, in their order, in front of the application.

import type { Route } from "../../config/site.ts";
import type { Exchange, Handler } from "../../http/exchange.ts";
import { FilesHandler, type FilesServices } from "./files-handler.ts";

/** `next` gets what no folder takes. With no folder to serve it is returned as it is. */
export function inFrontOf(next: Handler, routes: readonly Route[], services: FilesServices): Handler {
  return routes.reduceRight<Handler>((behind, route) => {
    const { action, match } = route;
    const prefix = match.paths[0]?.path;
    if (action.kind !== "files" || match.isInternal || prefix === undefined) return behind;
    const files = new FilesHandler({ config: action.files, services, next: behind });
    return new PrefixGate(prefix, files, behind);
  }, next);
}

class PrefixGate implements Handler {
  readonly #prefix: string;
  readonly #inside: Handler;
  readonly #outside: Handler;

  constructor(prefix: string, inside: Handler, outside: Handler) {
    this.#prefix = prefix === "/" ? "" : prefix;
    this.#inside = inside;
    this.#outside = outside;
  }

  handle(exchange: Exchange): void {
    if (isBelow(exchange.head.path, this.#prefix)) this.#inside.handle(exchange);
    else this.#outside.handle(exchange);
  }
}

function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f;
}
