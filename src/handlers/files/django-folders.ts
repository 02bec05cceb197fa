// Django's static and media files in front of its application: where they are is told by each worker that attaches, and holds
// while there is none.

import { filesRoute } from "../../config/files-route.ts";
import type { FilesConfig } from "../../config/route.ts";
import type { Exchange, Handler } from "../../http/exchange.ts";
import { FilesHandler, type FilesServices } from "./files-handler.ts";

/** What a worker says (wire/hello.ts). */
export interface ToldFolders {
  readonly folders: readonly { readonly url: string; readonly root: string }[];
  readonly problems: readonly string[];
}

export interface DjangoFoldersOptions {
  readonly services: FilesServices;
  /** Development: every change is seen at once. */
  readonly isFresh: boolean;
  /** What the application's paths begin with where no route says so; "" for nothing. */
  readonly prefix: string;
  readonly next: Handler;
}

export class DjangoFolders implements Handler {
  readonly #options: DjangoFoldersOptions;
  /** By the path below which each serves; without a slash at its end. */
  readonly #handlers = new Map<string, Handler>();
  #folders: ToldFolders["folders"] = [];
  #told = "";

  constructor(options: DjangoFoldersOptions) {
    this.#options = options;
  }

  /** As the youngest worker's settings are. Every worker of a generation says the same. */
  tell(told: ToldFolders): void {
    const text = JSON.stringify(told);
    if (text === this.#told) return;
    this.#told = text;
    this.#folders = told.folders;
    this.#handlers.clear();
    const { log } = this.#options.services;
    for (const { url, root } of told.folders) log.info("serving Django's files", { url, root });
    for (const problem of told.problems) log.warning(`--static-django: ${problem}`);
  }

  handle(exchange: Exchange): void {
    (this.#handlerFor(exchange) ?? this.#options.next).handle(exchange);
  }

  #handlerFor({ head, route }: Exchange): Handler | undefined {
    const mount = route?.mount ?? this.#options.prefix;
    for (const { url, root } of this.#folders) {
      for (const prefix of mount === "" ? [url] : [mount + url, url]) {
        const below = prefix.endsWith("/") ? prefix : `${prefix}/`;
        if (head.path.startsWith(below)) return this.#handler(below.slice(0, -1), root);
      }
    }
    return undefined;
  }

  #handler(path: string, root: string): Handler {
    const known = this.#handlers.get(path);
    if (known !== undefined) return known;
    const { services, isFresh } = this.#options;
    const handler = new FilesHandler({ config: configOf(path, root, isFresh), services });
    this.#handlers.set(path, handler);
    return handler;
  }
}

/** Folders show no index: what is in them was collected, not written for visitors. */
function configOf(path: string, root: string, isFresh: boolean): FilesConfig {
  const { action } = filesRoute({ path, root, options: { index: [] } }, { isInternal: false, isFresh });
  if (action.kind !== "files") throw new Error("a files route serves files");
  return action.files;
}
