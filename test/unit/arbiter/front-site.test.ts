import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { frontSite, siteProblem } from "../../../src/arbiter/front-site.ts";
import { configOf, loadConfig } from "../../../src/config/load.ts";
import { MATCH_ALL, NO_POLICY, type Route } from "../../../src/config/route.ts";
import { layerOfToml } from "../../../src/config/toml-file.ts";
import { encodeLine, LINE_BYTES_MAX } from "../../../src/control/json-lines.ts";

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
    assert.equal(siteProblem(loaded.config, loaded.apps), undefined);
  });

  it("is refused, with advice, where it fits into no message", () => {
    const config = configOf();
    const body = "x".repeat(LINE_BYTES_MAX);
    const page: Route = {
      name: "page",
      match: MATCH_ALL,
      action: { kind: "respond", status: 200, body, contentType: "text/plain" },
      policy: NO_POLICY,
    };
    assert.equal(siteProblem(config, []), undefined);
    assert.match(
      siteProblem({ ...config, routes: [page] }, []) ?? "",
      /too long: .*serve long responses from files/,
    );
  });
});
