// Writes docs/tunicorn.schema.json: what editors know of tunicorn.toml. Made of the settings table and the site's shapes.

import { writeFileSync } from "node:fs";
import { tomlSchema } from "./toml-schema-of.ts";

writeFileSync("docs/tunicorn.schema.json", `${JSON.stringify(tomlSchema(), undefined, 2)}\n`);
