// Temporary folders that leave with their test.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A test or suite: whoever can be asked to clean up at its end. */
export interface Owner {
  after(cleanup: () => void | Promise<void>): void;
}

/** A new folder holding `files` (path → text). */
export function temporaryFolder(owner: Owner, files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "tunicorn-test-"));
  owner.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
