// The applications of a site as the arbiter gets them: each with its own Python, and somebody to run it as.

import type { AppOrder, SiteReading, SiteSource } from "../arbiter/arbiter-ports.ts";
import { APP_NAME, isServable, type SiteApplication } from "../config/site.ts";
import type { OpenedFile } from "./config-source.ts";
import { identityProblem } from "./identity.ts";
import { findPython, pythonSpec } from "./python.ts";

export type Orders =
  | { readonly ok: true; readonly apps: readonly AppOrder[] }
  /** Each a line. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** A configuration file in Python is its only application's, which it was run by already. */
export function ordersOf(apps: readonly SiteApplication[], file: OpenedFile | undefined): Orders {
  const orders = apps.map((app) => orderOf(app, file));
  const problems = orders.filter((order) => typeof order === "string");
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, apps: orders.filter((order) => typeof order !== "string") };
}

/** A text says why there is none. */
function orderOf({ name, config, cfg }: SiteApplication, file: OpenedFile | undefined): AppOrder | string {
  const evaluation = file?.evaluation;
  const python =
    evaluation === undefined
      ? findPython({ ...config, isOfSite: name !== APP_NAME })
      : { path: evaluation.python };
  const problem = python.path === undefined ? python.problem : identityProblem(config);
  if (python.path === undefined || problem !== undefined)
    return name === APP_NAME ? `${problem}` : `application ${name}: ${problem}`;
  const source = evaluation === undefined ? undefined : file?.source;
  return {
    name,
    config,
    cfg,
    source,
    adoptForkserver: evaluation?.adopt,
    forkserverSpec: pythonSpec(python.path),
  };
}

/** Undefined where there is no file, or one that a forkserver has to run. */
export function siteOf(file: OpenedFile | undefined): SiteSource | undefined {
  if (file === undefined || file.source.evaluate !== undefined) return undefined;
  const { source } = file;
  return { files: source.files, read: () => readSite(source) };
}

function readSite(source: OpenedFile["source"]): SiteReading {
  const reading = source.read(undefined);
  if (!reading.ok) return reading;
  if (!isServable(reading.setup.config, reading.apps))
    return { ok: false, problems: ["the configuration names no application"] };
  const orders = ordersOf(reading.apps, undefined);
  return orders.ok ? { ...reading.setup, ...orders, warnings: reading.warnings } : orders;
}

/** What the arbiter's process is called. */
export function titleOf(apps: readonly SiteApplication[]): string {
  return apps.map(({ name, config }) => (name === APP_NAME ? config.app : name)).join(" ");
}
