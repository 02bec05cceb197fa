// The applications of a server and where its routes lead. A command line makes one application and a route to it; tunicorn.toml can
// declare several (config/site-file.ts).

import type { Config } from "./config.ts";
import type { Route } from "./route.ts";

/** An application with its own settings: interpreter, workers, threads, environment, user, limits. */
export interface Application {
  /** `app` for the one of a command line. */
  readonly name: string;
  readonly config: Config;
}

/** As it is to run: with every setting as hooks read it (`server.cfg.workers`). */
export interface SiteApplication extends Application {
  readonly cfg: Readonly<Record<string, unknown>>;
}

/** Every route leads somewhere; without applications that are files, redirections and fixed responses. */
export function isServable(
  { routes }: { readonly routes: readonly Route[] },
  apps: readonly Application[],
): boolean {
  return apps.length > 0 || (routes.length > 0 && routes.every(({ action }) => action.kind !== "app"));
}

/** Of a server that was given its application on the command line. */
export const APP_NAME = "app";
