// Shortens the tests of tunicorn.toml.

import assert from "node:assert/strict";
import { loadConfig } from "../../../src/config/load.ts";
import { describeProblem } from "../../../src/config/problem.ts";
import type { SiteWorld } from "../../../src/config/site/world.ts";
import { layerOfToml } from "../../../src/config/toml-file.ts";
import type { Loading } from "./support.ts";

type Outcome = { readonly site: Loading } | { readonly problems: readonly string[] };

export interface SiteOptions {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly kindOf?: SiteWorld["kindOf"];
}

function read(text: string, { argv = [], env = {}, kindOf }: SiteOptions): Outcome {
  const file = layerOfToml("t.toml", text);
  const countWorkers = (): { workers: number; arithmetic: string } => ({ workers: 6, arithmetic: "six" });
  const sources = { argv, env, cwd: "/srv", files: [file.layer], site: file.site, kindOf, countWorkers };
  const loaded = loadConfig(sources);
  const problems = [...file.problems, ...(loaded.ok ? [] : loaded.problems)].map(describeProblem);
  return loaded.ok && problems.length === 0 ? { site: loaded } : { problems };
}

export function siteOf(text: string, options: SiteOptions = {}): Loading {
  const outcome = read(text, options);
  assert.ok("site" in outcome, "problems" in outcome ? outcome.problems.join("\n") : "");
  return outcome.site;
}

export function problemsOf(text: string, options: SiteOptions = {}): readonly string[] {
  const outcome = read(text, options);
  assert.ok("problems" in outcome, "expected problems");
  return outcome.problems;
}
