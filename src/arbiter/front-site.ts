// What fronts serve, as they are told of it.

import type { Config } from "../config/config.ts";
import type { Application } from "../config/site.ts";
import type { FrontSite } from "../control/messages.ts";
import type { Listener } from "./listeners.ts";

/** Where to listen and what leads where is the server's, and said once: each application's settings have it as well. */
export function frontSite(
  config: Config,
  listeners: readonly Pick<Listener, "served">[],
  apps: readonly Application[],
): FrontSite {
  return {
    config,
    listeners: listeners.map(({ served }) => served),
    apps: apps.map((app) => ({ name: app.name, config: { ...app.config, listeners: [], routes: [] } })),
  };
}
