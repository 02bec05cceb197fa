// The folders that only an application's X-Accel-Redirect leads to. They can be exchanged while requests run.

import type { FilesConfig, Route } from "../../config/route.ts";
import type { InternalFolders } from "./app-files.ts";
import { pathBelow } from "./request-path.ts";

export class InternalRoutes implements InternalFolders {
  #routes: readonly Route[] = [];

  /** Of a site's routes those that are internal. */
  use(routes: readonly Route[]): void {
    this.#routes = routes.filter(({ match }) => match.isInternal);
  }

  get isEmpty(): boolean {
    return this.#routes.length === 0;
  }

  find(path: string, authority: string): FilesConfig | undefined {
    const host = authority.toLowerCase().replace(/:\d*$/, "");
    const route = this.#routes.find(({ match }) => fitsHost(match, host) && fitsPath(match, path));
    return route?.action.kind === "files" ? route.action.files : undefined;
  }
}

function fitsHost({ hosts }: Route["match"], host: string): boolean {
  if (hosts.length === 0) return true;
  return hosts.some((name) => (name.startsWith("*.") ? host.endsWith(name.slice(1)) : name === host));
}

function fitsPath({ paths }: Route["match"], path: string): boolean {
  if (paths.length === 0) return true;
  return paths.some((pattern) => {
    if (pattern.kind === "exact") return pattern.path === path;
    return pathBelow(path, { strip: pattern.path.replace(/\/+$/, ""), dotfiles: true }) !== undefined;
  });
}
