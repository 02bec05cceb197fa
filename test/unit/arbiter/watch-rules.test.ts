import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileGlob, globFolder } from "../../../src/arbiter/glob.ts";
import { type WatchOptions, WatchRules } from "../../../src/arbiter/watch-rules.ts";

const PROJECT: WatchOptions = { folders: ["/p"], includes: [], excludes: [], extraFiles: [], polls: false };

function rules(changes: Partial<WatchOptions> = {}): WatchRules {
  return new WatchRules({ ...PROJECT, ...changes }, (folder) => folder === "/p/myenv");
}

describe("patterns of file names", () => {
  it("fit at any depth when they are relative", () => {
    assert.ok(compileGlob("*.py").test("/p/a/b.py"));
    assert.ok(compileGlob("templates/*.txt").test("/p/templates/a.txt"));
    assert.ok(!compileGlob("templates/*.txt").test("/p/templates/deep/a.txt"));
    assert.ok(!compileGlob("*.py").test("/p/a.pyc"));
  });

  it("span folders with two stars", () => {
    assert.ok(compileGlob("/c/**/*.yaml").test("/c/x.yaml"));
    assert.ok(compileGlob("/c/**/*.yaml").test("/c/a/b/x.yaml"));
  });

  it("know sets, and take everything else literally", () => {
    assert.ok(compileGlob("*.py[cod]").test("/p/a.pyc"));
    assert.ok(!compileGlob("*.py[!cod]").test("/p/a.pyc"));
    assert.ok(compileGlob("a+(1).py").test("/p/a+(1).py"));
    assert.ok(compileGlob("a[.py").test("/p/a[.py"));
  });

  it("tell the folder that must be watched for them", () => {
    assert.equal(globFolder("/etc/app/*.toml"), "/etc/app");
    assert.equal(globFolder("/etc/app/one.toml"), "/etc/app");
    assert.equal(globFolder("/etc/**/a"), "/etc");
  });
});

describe("the rules of watching", () => {
  it("count code and templates below the project", () => {
    for (const file of ["/p/app.py", "/p/a/views.py", "/p/templates/x.html", "/p/.env"])
      assert.ok(rules().isCode(file), file);
    for (const file of ["/p/notes.txt", "/q/app.py", "/p/app.pyc", "/p/db.sqlite3"])
      assert.ok(!rules().isCode(file), file);
  });

  it("leave out what is not the application's own", () => {
    for (const folder of [
      "/p/.git",
      "/p/.venv",
      "/p/node_modules",
      "/p/a/__pycache__",
      "/p/build",
      "/p/myenv",
    ]) {
      assert.ok(rules().isForeign(folder), folder);
      assert.ok(!rules().isCode(`${folder}/x.py`), folder);
    }
    assert.ok(!rules().isForeign("/p"));
    assert.ok(!rules().isForeign("/p/blog"));
  });

  it("leave out what editors write beside a file", () => {
    for (const file of ["/p/.app.py.swp", "/p/.#app.py", "/p/app.py~", "/p/4913", "/p/~app.py"])
      assert.ok(!rules().isCode(file), file);
  });

  it("watch a project that itself lies in a hidden folder", () => {
    const hidden = rules({ folders: ["/home/.work/build/p"] });
    assert.ok(hidden.isCode("/home/.work/build/p/app.py"));
  });

  it("add --reload-include to the usual patterns", () => {
    const more = rules({ includes: ["*.css"] });
    assert.ok(more.isCode("/p/a.css"));
    assert.ok(more.isCode("/p/a.py"));
  });

  it("take patterns and folders for --reload-exclude", () => {
    const less = rules({ excludes: ["test_*.py", "/p/migrations"] });
    assert.ok(!less.isCode("/p/test_a.py"));
    assert.ok(!less.isCode("/p/migrations/0001.py"));
    assert.ok(less.isForeign("/p/migrations"));
    assert.ok(less.isCode("/p/a.py"));
  });

  it("count extra files wherever they are, also those that come later", () => {
    const extra = rules({ extraFiles: ["/etc/app/*.toml"] });
    assert.deepEqual(extra.roots, ["/p", "/etc/app"]);
    assert.ok(extra.isCode("/etc/app/new.toml"));
    assert.ok(!extra.isCode("/etc/app/new.py"));
    assert.ok(!extra.isForeign("/etc/app"));
    assert.ok(extra.isForeign("/etc/app/deeper"));
  });

  it("count imported files, and tell which of them no folder holds", () => {
    const known = rules({ excludes: ["/lib/no"] });
    assert.deepEqual(known.addModules(["/p/app.py", "/lib/shared.py", "/lib/no/x.py"]), ["/lib/shared.py"]);
    assert.deepEqual(known.addModules(["/lib/shared.py"]), []);
    assert.ok(known.isCode("/lib/shared.py"));
    assert.ok(!known.isCode("/lib/no/x.py"));
  });
});
