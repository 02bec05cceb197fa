import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadConfig } from "../../../src/config/load.ts";
import type { FilesConfig } from "../../../src/config/route.ts";
import { layerOfToml } from "../../../src/config/toml-file.ts";
import { configFrom, problemsFrom } from "./support.ts";

function mounts(line: string): (FilesConfig & { readonly name: string })[] {
  return configFrom(line).routes.flatMap(({ name, action }) =>
    action.kind === "files" ? [{ name, ...action.files }] : [],
  );
}

describe("--static", () => {
  it("puts a route for each folder before the application's", () => {
    const { routes } = configFrom("--static /static=./public --static /media=/var/media a");
    assert.deepEqual(
      routes.map(({ action }) => action.kind),
      ["files", "files", "app"],
    );
    assert.deepEqual(routes[0]?.match.paths, [{ kind: "prefix", path: "/static" }]);
    const [first, second] = mounts("--static /static/=./public --static /media=/var/media a");
    assert.equal(first?.root, "/srv/public");
    assert.equal(first?.strip, "/static");
    assert.equal(second?.root, "/var/media");
  });

  it("lets the longer path win, whatever the order", () => {
    const names = mounts("--static /=pub --static /a=x --static /a/b=y a").map(({ name }) => name);
    assert.deepEqual(names, ["static /a/b", "static /a", "static /"]);
  });

  it("lets what is not in a folder at / go on to the application, unless told otherwise", () => {
    assert.equal(mounts("--static /=pub a")[0]?.isOptional, true);
    assert.equal(mounts("--static /=pub,optional=no a")[0]?.isOptional, false);
    assert.equal(mounts("--static /x=pub a")[0]?.isOptional, false);
  });

  it("takes options behind commas", () => {
    const line =
      "--static /=./a,b,fallback=/index.html,max-age=0s,symlinks=follow,dotfiles=yes,index=main.htm a";
    const [mount] = mounts(line);
    assert.equal(mount?.root, "/srv/a,b");
    assert.equal(mount?.fallback, "index.html");
    assert.equal(mount?.maxAgeSeconds, 0);
    assert.equal(mount?.symlinks, "follow");
    assert.equal(mount?.dotfiles, true);
    assert.deepEqual(mount?.index, ["main.htm"]);
  });

  it("has clients ask for every change in development", () => {
    assert.equal(mounts("--static /s=pub a")[0]?.maxAgeSeconds, 60);
    const [mount] = mounts("--reload --static /s=pub a");
    assert.equal(mount?.maxAgeSeconds, 0);
    assert.equal(mount?.immutableHashed, false);
  });

  it("keeps internal folders from clients", () => {
    const [route] = configFrom("--static-internal /protected=/data a").routes;
    assert.equal(route?.match.isInternal, true);
  });

  for (const [line, reason] of [
    ["--static ./public a", /expected \/PATH=FOLDER/],
    ["--static /static a", /expected \/PATH=FOLDER/],
    ["--static static=pub a", /expected \/PATH=FOLDER/],
    ["--static /a/../b=pub a", /expected \/PATH=FOLDER/],
    ["--static /a=x --static /a/=y a", /\/a is given twice/],
    ["--static /a=x,fallbak=i a", /did you mean fallback\?/],
    ["--static /a=x,fallback=../../etc/passwd a", /fallback cannot be/],
    ["--static /a=x,symlinks=maybe a", /symlinks cannot be "maybe"/],
    ["--static /a=x,max-age=soon a", /max-age cannot be "soon"/],
    ["--static /a=x,index=../x a", /index cannot be/],
  ] as const) {
    it(`refuses ${line}`, () => assert.match(problemsFrom(line).join("\n"), reason));
  }
});

describe("--static-django", () => {
  it("means static files alone, unless all are asked for", () => {
    assert.equal(configFrom("a").staticDjango, "off");
    assert.equal(configFrom("--static-django a").staticDjango, "static");
    assert.equal(configFrom("--static-django=all a").staticDjango, "all");
  });
});

describe("static in tunicorn.toml", () => {
  const files = (text: string): FilesConfig[] => {
    const { layer } = layerOfToml("tunicorn.toml", text);
    const result = loadConfig({
      argv: ["a"],
      env: {},
      cwd: "/srv",
      files: [layer],
      countWorkers: () => NONE,
    });
    assert.ok(result.ok);
    return result.config.routes.flatMap(({ action }) => (action.kind === "files" ? [action.files] : []));
  };
  const NONE = { workers: 1, arithmetic: "" };

  it("is a list of texts, a table of paths and folders, or tables with options", () => {
    assert.equal(files('static = ["/a=x", "/b=y"]').length, 2);
    assert.deepEqual(
      files('[static]\n"/static" = "public"\n"/media" = "up"').map(({ root }) => root),
      ["/srv/public", "/srv/up"],
    );
    const [spa] = files('[[static]]\npath = "/"\nroot = "dist"\nfallback = "index.html"\nmax_age = 5');
    assert.equal(spa?.fallback, "index.html");
    assert.equal(spa?.maxAgeSeconds, 5);
    assert.equal(spa?.isOptional, true);
  });
});
