import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { frontSite } from "../../../src/arbiter/front-site.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { layerOfToml } from "../../../src/config/toml-file.ts";
import { encodeLine } from "../../../src/control/json-lines.ts";

describe("what fronts are told to serve", () => {
  it("fits into a message with a hundred applications and a route to each", () => {
    const names = Array.from({ length: 100 }, (_, i) => `app${i}`);
    const text = [
      ...names.map((name) => `[apps.${name}]\napp = "${name}:app"`),
      ...names.map((name) => `[[routes]]\nmatch = { host = "${name}.example.org" }\napp = "${name}"`),
    ].join("\n");
    const { layer, site } = layerOfToml("tunicorn.toml", text);
    const countWorkers = (): { workers: number; arithmetic: string } => ({ workers: 1, arithmetic: "" });
    const loaded = loadConfig({ argv: [], env: {}, cwd: "/srv", files: [layer], site, countWorkers });
    assert.ok(loaded.ok);
    const told = frontSite(loaded.config, [], loaded.apps);
    assert.equal(told.config.routes.length, 100);
    assert.equal(told.apps.length, 100);
    encodeLine({ type: "configure", ...told });
  });
});
