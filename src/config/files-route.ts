// A folder to serve → the route that does it, with what holds where nothing was said.

import type { Mount } from "./mount.ts";
import { type FilesConfig, MATCH_ALL, NO_POLICY, type Route } from "./route.ts";

/** Long enough to spare the visitors of one page most requests, short enough for a mistake to pass. */
const MAX_AGE_SECONDS = 60;

export interface FilesRouteOptions {
  readonly isInternal: boolean;
  /** Development: every change is seen at once. */
  readonly isFresh: boolean;
}

/** `mount.root` is absolute. */
export function filesRoute(
  { path, root, options }: Omit<Mount, "shown">,
  { isInternal, isFresh }: FilesRouteOptions,
): Route {
  const files: FilesConfig = {
    strip: path,
    root,
    index: ["index.html"],
    fallback: "",
    isOptional: path === "" && !isInternal,
    precompressed: true,
    symlinks: "inside",
    dotfiles: false,
    maxAgeSeconds: isFresh ? 0 : MAX_AGE_SECONDS,
    immutableHashed: !isFresh,
    ...options,
  };
  const place = path === "" ? "/" : path;
  return {
    name: isInternal ? `internal ${place}` : `static ${place}`,
    match: { ...MATCH_ALL, paths: [{ kind: "prefix", path }], isInternal },
    action: { kind: "files", files },
    policy: NO_POLICY,
  };
}
