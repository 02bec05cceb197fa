// Which files are the application's code: what to watch, and which changes count. Pure; paths are absolute.

import { compileGlob, globFolder } from "./glob.ts";

export interface WatchOptions {
  /** Folders in which files of the right name count. */
  readonly folders: readonly string[];
  /** Patterns of names that count, beside the usual ones. */
  readonly includes: readonly string[];
  /** Patterns of names that do not, or folders. */
  readonly excludes: readonly string[];
  /** Absolute files or patterns that count wherever they are. */
  readonly extraFiles: readonly string[];
  /** Files are looked at again and again, instead of waiting for the system's word. */
  readonly polls: boolean;
}

/** Python's code, and what its frameworks read once: templates, and the file of environment variables. */
const USUAL_FILES: readonly string[] = [
  ...["*.py", "*.html", "*.htm", "*.jinja", "*.jinja2", "*.j2", "*.mako", ".env"],
];
/** Editors' own files: uvicorn's defaults, and the probes of vim and emacs. */
const EDITORS_FILES: readonly string[] = [".*", "*.py[cod]", "*.sw?", "~*", "*~", "#*#", "4913"];
/** Others' code, and what was made from code. Hidden folders are left out as well, and virtual environments of any name. */
const FOREIGN_FOLDERS: ReadonlySet<string> = new Set([
  ...["__pycache__", "node_modules", "bower_components", "site-packages", "venv", "build", "dist"],
]);

export class WatchRules {
  readonly #folders: readonly string[];
  readonly #excludedFolders: readonly string[];
  readonly #includes: readonly RegExp[];
  readonly #excludes: readonly RegExp[];
  readonly #editorsFiles: readonly RegExp[];
  readonly #extras: readonly ExtraPattern[];
  readonly #isVirtualEnv: (folder: string) => boolean;
  /** What the application imported. */
  readonly #modules = new Set<string>();

  constructor(options: WatchOptions, isVirtualEnv: (folder: string) => boolean) {
    this.#folders = options.folders;
    this.#excludedFolders = options.excludes.filter((pattern) => pattern.startsWith("/"));
    this.#includes = [...USUAL_FILES, ...options.includes].map(compileGlob);
    this.#excludes = options.excludes.map(compileGlob);
    this.#editorsFiles = EDITORS_FILES.map(compileGlob);
    this.#extras = options.extraFiles.map(extraPattern);
    this.#isVirtualEnv = isVirtualEnv;
  }

  /** What a watcher is to begin with. */
  get roots(): readonly string[] {
    return [...new Set([...this.#folders, ...this.#extras.map(({ folder }) => folder)])];
  }

  /** Takes files that the application imported; answers those that no root holds. */
  addModules(files: readonly string[]): string[] {
    const added = files.filter((file) => !this.#modules.has(file) && !this.#isExcluded(file));
    for (const file of added) this.#modules.add(file);
    return added.filter((file) => !this.#isUsual(file));
  }

  /** A change of this file is a change of the application. */
  isCode(file: string): boolean {
    if (this.#modules.has(file) || this.#extras.some(({ expression }) => expression.test(file))) return true;
    return this.#isUsual(file) && !this.#isExcluded(file);
  }

  /** A folder in which nothing counts: not to be looked into. */
  isForeign(folder: string): boolean {
    if (this.#extras.some((extra) => mayHold(extra, folder))) return false;
    return !this.#isWithinFolders(folder) || this.#isExcluded(folder);
  }

  #isUsual(file: string): boolean {
    const isEditors = !file.endsWith("/.env") && this.#editorsFiles.some((pattern) => pattern.test(file));
    return !isEditors && this.#includes.some((pattern) => pattern.test(file)) && this.#isWithinFolders(file);
  }

  #isExcluded(path: string): boolean {
    return (
      this.#excludes.some((pattern) => pattern.test(path)) ||
      this.#excludedFolders.some((folder) => isWithin(path, folder))
    );
  }

  /** Below a watched folder, with no foreign one between. */
  #isWithinFolders(path: string): boolean {
    return this.#folders.some((root) => isWithin(path, root) && !this.#isForeignBelow(root, path));
  }

  #isForeignBelow(root: string, path: string): boolean {
    const names = path.slice(root.length).split("/").filter(Boolean);
    return names.some((name, index) => {
      const isFile = index === names.length - 1 && this.#includes.some((pattern) => pattern.test(path));
      if (isFile) return false;
      if (name.startsWith(".") || FOREIGN_FOLDERS.has(name) || name.endsWith(".egg-info")) return true;
      return this.#isVirtualEnv(`${root}/${names.slice(0, index + 1).join("/")}`);
    });
  }
}

interface ExtraPattern {
  readonly expression: RegExp;
  readonly folder: string;
  readonly segments: number;
  readonly isDeep: boolean;
}

function extraPattern(pattern: string): ExtraPattern {
  const segments = pattern.split("/").length;
  const isDeep = pattern.includes("**");
  return { expression: compileGlob(pattern), folder: globFolder(pattern), segments, isDeep };
}

function mayHold({ folder: base, segments, isDeep }: ExtraPattern, folder: string): boolean {
  return isWithin(folder, base) && (isDeep || folder.split("/").length < segments);
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? folder : `${folder}/`);
}
