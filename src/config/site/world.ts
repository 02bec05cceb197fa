// What a site's file is read against: where relative paths begin, and what is there.

import { resolve as resolvePath } from "node:path";
import type { TomlNode } from "../toml-node.ts";

export interface SiteWorld {
  /** Absolute: relative paths begin here. */
  readonly folder: string;
  /** What an absolute path leads to, links followed; undefined: nothing. Where nobody can tell, nothing is looked for. */
  readonly kindOf: ((path: string) => "file" | "folder" | undefined) | undefined;
}

/** The absolute path that `node` names, with a complaint when nothing of that kind is there. */
export function placeOf(
  node: TomlNode | undefined,
  text: string,
  kind: "file" | "folder",
  world: SiteWorld,
): string {
  const path = resolvePath(world.folder, text);
  if (world.kindOf === undefined || node === undefined) return path;
  const found = world.kindOf(path);
  if (found === kind) return path;
  node.fail(found === undefined ? `no such ${kind} (${path})` : `expected a ${kind}; ${path} is a ${found}`);
  return path;
}
