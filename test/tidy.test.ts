// A test about the code itself: the house rules that a machine can hold. Each rule is also shown a file that breaks it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  badExports,
  brokenWalls,
  impureImports,
  leftovers,
  MAY_IMPORT,
  machinePaths,
  unmentioned,
  unreachable,
  worldlyWords,
} from "./tidy/rules.ts";
import { readText, readTree, roomOf, type SourceFile } from "./tidy/source.ts";

const source = readTree("src", [".ts"]);
const code = ["src", "test", "scripts", "bench", "python", "examples"].flatMap((folder) =>
  readTree(folder, [".ts", ".py", ".sh"]),
);
const everything = readTree(".", [".ts", ".py", ".sh", ".md", ".json", ".toml", ".txt", "tunicorn", "run"]);
const MACHINE_FOLDERS = ["work", "root", "home/[a-z]+"];

function file(path: string, text: string): SourceFile {
  return { path, text };
}

describe("rooms", () => {
  it("import only what the table allows", () => {
    assert.deepEqual(brokenWalls(source), []);
  });

  it("would be told of a broken wall", () => {
    const broken = file("src/http/date.ts", 'import type { H1Event } from "../h1/protocol.ts";');
    assert.deepEqual(brokenWalls([broken]), ["src/http/date.ts: http must not import h1"]);
    const longer = file("src/arbiter/plan.ts", 'import {\n  a,\n  b,\n} from "../wire/frame.ts";');
    assert.deepEqual(brokenWalls([longer]), ["src/arbiter/plan.ts: arbiter must not import wire"]);
    assert.equal(brokenWalls([file("src/extra/x.ts", "")]).length, 1);
  });

  it("without I/O import neither Node's modules nor packages", () => {
    assert.deepEqual(impureImports(source), []);
  });

  it("would be told of an impure import", () => {
    assert.equal(impureImports([file("src/h1/x.ts", 'import { connect } from "node:net";')]).length, 1);
    assert.equal(impureImports([file("src/front/x.ts", 'import { connect } from "node:net";')]).length, 0);
  });

  it("without I/O know no clock, timer, randomness or process", () => {
    assert.deepEqual(worldlyWords(source), []);
  });

  it("would be told of a clock", () => {
    assert.equal(worldlyWords([file("src/dispatch/x.ts", "const now = Date.now();")]).length, 1);
    assert.equal(worldlyWords([file("src/dispatch/x.ts", "// unlike Date.now(), this is told\n")]).length, 0);
    assert.equal(worldlyWords([file("src/os/x.ts", "const now = Date.now();")]).length, 0);
  });

  it("are all described in ARCHITECTURE.md, and no others are", () => {
    const rooms = [...new Set(source.map(({ path }) => roomOf(path)))].filter((room) => room !== "main");
    const text = readText("ARCHITECTURE.md");
    assert.deepEqual(
      unmentioned(
        rooms.map((room) => `\`src/${room}/\``),
        text,
      ),
      [],
    );
    const described = [...text.matchAll(/`src\/(\w+)\/`/g)].map((match) => match[1] ?? "");
    assert.deepEqual(
      described.filter((room) => !(room in MAY_IMPORT)),
      [],
    );
  });
});

describe("files", () => {
  it("are all reachable from src/main.ts", () => {
    assert.deepEqual(unreachable(source, "src/main.ts"), []);
  });

  it("would be told of a dead one", () => {
    const entry = file("src/main.ts", 'import { run } from "./cli/run.ts";');
    const used = file("src/cli/run.ts", 'const late = await import("./late.ts");');
    const late = file("src/cli/late.ts", "");
    const dead = file("src/cli/dead.ts", "");
    assert.deepEqual(unreachable([entry, used, late, dead], "src/main.ts"), [
      "src/cli/dead.ts: not reachable from src/main.ts",
    ]);
  });

  it("of the Python half are all named in ARCHITECTURE.md", () => {
    const names = code
      .filter(({ path }) => path.startsWith("python/tunicorn_worker/") && !path.includes("/__"))
      .map(({ path }) => `\`${path.slice("python/tunicorn_worker/".length, -".py".length)}\``);
    assert.ok(names.length > 0);
    assert.deepEqual(unmentioned(names, readText("ARCHITECTURE.md")), []);
  });

  it("export names, not defaults or other files", () => {
    assert.deepEqual(badExports(code), []);
  });

  it("would be told of a bad export", () => {
    for (const text of ["export default 1;", 'export * from "./a.ts";', 'export { a } from "./a.ts";']) {
      assert.equal(badExports([file("src/base/x.ts", text)]).length, 1);
    }
  });

  it("hold no leftovers", () => {
    assert.deepEqual(leftovers(code.filter(({ path }) => path !== "test/tidy.test.ts")), []);
  });

  it("would be told of a leftover", () => {
    for (const text of [
      "// TODO later",
      "a.removeAllListeners();",
      "try { a(); } catch {}",
      "it.only('x')",
    ]) {
      assert.equal(leftovers([file("src/base/x.ts", text)]).length, 1, text);
    }
    assert.deepEqual(leftovers([file("src/base/x.ts", "try { a(); } catch {\n // gone already\n}")]), []);
  });

  it("name no path of one machine", () => {
    assert.deepEqual(machinePaths(everything, MACHINE_FOLDERS), []);
  });

  it("would be told of a path of one machine", () => {
    for (const folder of ["root", "work", "home/ada"]) {
      assert.equal(machinePaths([file("README.md", `cd /${folder}/x`)], MACHINE_FOLDERS).length, 1);
    }
    assert.deepEqual(machinePaths([file("README.md", "GET /hello/work/x")], MACHINE_FOLDERS), []);
  });
});

describe("error codes", () => {
  it("are all explained in docs/errors.md, and only those", () => {
    const codes = [...new Set(readText("src/base/errors.ts").match(/\bERR_[A-Z0-9_]+\b/g))];
    const page = readText("docs/errors.md");
    assert.ok(codes.length > 0);
    assert.deepEqual(
      unmentioned(
        codes.map((code) => `\`${code}\``),
        page,
      ),
      [],
    );
    assert.deepEqual(
      (page.match(/`ERR_[A-Z0-9_]+`/g) ?? []).filter((code) => !codes.includes(code.slice(1, -1))),
      [],
    );
  });

  it("would be told of a missing one", () => {
    assert.deepEqual(unmentioned(["ERR_A", "ERR_B"], "ERR_A"), ["ERR_B"]);
  });
});
