// Files for servers that serve folders: of the sizes that the scenarios name, with bytes that nothing compresses.

import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SIZES: Readonly<Record<string, number>> = { "10k.bin": 10_000, "1m.bin": 1_048_576 };

/** The path of the folder written. */
export function writePublicFolder(tempDir: string): string {
  const folder = join(tempDir, "public");
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(SIZES)) writeFileSync(join(folder, name), randomBytes(bytes));
  return folder;
}
