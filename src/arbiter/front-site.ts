// What fronts serve, as they are told of it.

import type { Config } from "../config/config.ts";
import type { Application } from "../config/site.ts";
import { LINE_BYTES_MAX } from "../control/json-lines.ts";
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

/** What a message holds beside the site, with room to spare. */
const REST_BYTES = 65_536;

/** Why fronts cannot be told of it; undefined where they can. */
export function siteProblem(config: Config, apps: readonly Application[]): string | undefined {
  // Listeners as they are served repeat those of the settings.
  const text = JSON.stringify([frontSite(config, [], apps), config.listeners]);
  const bytes = Buffer.byteLength(text);
  if (bytes <= LINE_BYTES_MAX - REST_BYTES) return undefined;
  const advice = "serve long responses from files, or divide the applications among servers";
  return `the configuration is too long: ${bytes} bytes, and its processes take ${LINE_BYTES_MAX - REST_BYTES}; ${advice}`;
}
