// Writes the table of error codes into docs/errors.md.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ERRORS } from "../src/base/errors.ts";

const PAGE = join(import.meta.dirname, "../docs/errors.md");
const BETWEEN_MARKS = /(<!-- codes -->\n)[\s\S]*(<!-- \/codes -->)/;

const rows = Object.entries(ERRORS).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
const table = ["", "| code | meaning |", "|---|---|", ...rows, "", ""].join("\n");
writeFileSync(
  PAGE,
  readFileSync(PAGE, "utf8").replace(BETWEEN_MARKS, (_, open, close) => open + table + close),
);
