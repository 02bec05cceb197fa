// A folder as a route shows it: what is found at a path below it. Nothing is kept here.

import type { FilesConfig } from "../../config/route.ts";
import type { Log } from "../../log/log.ts";
import { SIBLINGS } from "./codings.ts";
import { contentTypeOf } from "./content-type.ts";
import { closeDescriptor, type OpenFile, statPath } from "./descriptor.ts";
import type { Cached } from "./file-cache.ts";
import { isHashedName } from "./hashed-name.ts";
import { errorCode, type Found, openBelow } from "./safe-open.ts";
import { ServedFile, type Sibling } from "./served-file.ts";

const IMMUTABLE = "max-age=31536000, immutable";

export type TargetKind =
  | { readonly kind: "file"; readonly file: ServedFile }
  /** A folder, asked for without its slash. */
  | { readonly kind: "redirect" }
  | { readonly kind: "absent" }
  | { readonly kind: "denied" };

/** What a path leads to, and by what it can be seen whether it still does. */
export class Target implements Cached {
  readonly what: TargetKind;
  /** Absolute paths, and what `identityOf` said of each. */
  readonly marks: ReadonlyMap<string, string>;
  checkedAtMs: number;

  constructor(what: TargetKind, marks: ReadonlyMap<string, string>, nowMs: number) {
    this.what = what;
    this.marks = marks;
    this.checkedAtMs = nowMs;
  }

  get bytes(): number {
    return this.what.kind === "file" ? this.what.file.bytes : 0;
  }

  get descriptors(): number {
    return this.what.kind === "file" ? this.what.file.descriptors : 0;
  }

  release(): void {
    if (this.what.kind === "file") this.what.file.release();
  }
}

export interface MountOptions {
  readonly config: FilesConfig;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
}

const NO_MARKS: ReadonlyMap<string, string> = new Map();

export class Mount {
  readonly #options: MountOptions;

  constructor(options: MountOptions) {
    this.#options = options;
  }

  /** `path`: of pathBelow. `isFallback`: it stands for paths that do not exist, and may change with the next release. */
  async find(path: string, isFallback: boolean): Promise<Target> {
    if (path === "" || path.endsWith("/")) return await this.#findFolder(path);
    const found = await this.#open(path);
    if (found.kind === "file") return await this.#serve(path, found.file, isFallback);
    if (found.kind === "folder") return await this.#findFolder(path);
    return this.#target(found);
  }

  /** Whether what was found is still what would be found. Paths that led nowhere are looked up again. */
  async isCurrent({ marks, what }: Target): Promise<boolean> {
    if (what.kind !== "file") return false;
    const looks = [...marks].map(async ([path, identity]) => (await identityOf(path)) === identity);
    return (await Promise.all(looks)).every((isSame) => isSame);
  }

  /** With its slash, a folder is its index. */
  async #findFolder(path: string): Promise<Target> {
    const hasSlash = path.endsWith("/");
    for (const name of this.#options.config.index) {
      const place = `${path}${hasSlash ? "" : "/"}${name}`;
      const found = await this.#open(place);
      if (found.kind === "absent" || found.kind === "folder") continue;
      if (found.kind === "file" && hasSlash) return await this.#serve(place, found.file, false);
      if (found.kind === "file") closeDescriptor(found.file.fd);
      return found.kind === "file" ? this.#simple("redirect") : this.#target(found);
    }
    return this.#simple("absent");
  }

  async #open(path: string): Promise<Found> {
    const { root, symlinks } = this.#options.config;
    const found = await openBelow({ root, path, symlinks });
    if (found.kind === "denied") {
      this.#options.log.warning("a file is not served", { file: root + path, reason: found.reason });
    }
    return found;
  }

  #target(found: Found): Target {
    return this.#simple(found.kind === "denied" ? "denied" : "absent");
  }

  #simple(kind: "redirect" | "absent" | "denied"): Target {
    return new Target({ kind }, NO_MARKS, this.#options.nowMs());
  }

  async #serve(path: string, opened: OpenFile, isFallback: boolean): Promise<Target> {
    const { config, nowMs, wallMs } = this.#options;
    const { root, symlinks } = config;
    const nowAtStartMs = nowMs();
    const marks = new Map([[root + path, opened.stat.identity]]);
    const siblings = config.precompressed ? await this.#siblings(path, marks) : [];
    const contentType = contentTypeOf(path);
    const cacheControl = isFallback ? "no-cache" : this.#cacheControl(path);
    const place = { root, path, symlinks };
    const file = new ServedFile({ place, siblings, contentType, cacheControl, wallMs });
    await file.loadPlain(opened);
    return new Target({ kind: "file", file }, marks, nowAtStartMs);
  }

  async #siblings(path: string, marks: Map<string, string>): Promise<Sibling[]> {
    const candidates = SIBLINGS.map(({ coding, extension }) => ({ coding, path: path + extension }));
    const identities = await Promise.all(
      candidates.map((one) => identityOf(this.#options.config.root + one.path)),
    );
    return candidates.filter((candidate, index) => {
      const identity = identities[index] ?? "";
      marks.set(this.#options.config.root + candidate.path, identity);
      return identity !== "";
    });
  }

  #cacheControl(path: string): string {
    const { immutableHashed, maxAgeSeconds } = this.#options.config;
    if (immutableHashed && isHashedName(path)) return IMMUTABLE;
    return maxAgeSeconds < 0 ? "" : `max-age=${maxAgeSeconds}`;
  }
}

/** Of a regular file; "" for everything else. */
async function identityOf(path: string): Promise<string> {
  try {
    const stat = await statPath(path);
    return typeof stat === "string" ? "" : stat.identity;
  } catch (error) {
    if (errorCode(error) === "") throw error;
    return ""; // it is not there, or not for us
  }
}
