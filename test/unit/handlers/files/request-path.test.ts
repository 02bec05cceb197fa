import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { normalize } from "node:path/posix";
import { describe, it } from "node:test";
import { pathBelow } from "../../../../src/handlers/files/request-path.ts";

const RULES = { strip: "/static", dotfiles: false };

function below(path: string, dotfiles = false): string | undefined {
  return pathBelow(path, { ...RULES, dotfiles });
}

describe("a request path below a folder", () => {
  it("loses its prefix and its percent-encoding", () => {
    assert.equal(below("/static/css/app.css"), "/css/app.css");
    assert.equal(below("/static/a%20b/%C3%A9.txt"), "/a b/é.txt");
    assert.equal(below("/st%61tic/x"), "/x");
    assert.equal(below("/static"), "");
    assert.equal(below("/static/"), "/");
    assert.equal(below("/static/docs/"), "/docs/");
    assert.equal(pathBelow("/x/y", { strip: "", dotfiles: false }), "/x/y");
  });

  for (const path of [
    ..."/static/../secret /static/a/../../secret /static/%2e%2e/secret /static/%2E./secret /static/..".split(
      " ",
    ),
    ..."/static/..%2fsecret /static/..%2Fsecret /static/a%2fb /static/%2fetc/passwd /static//etc/passwd".split(
      " ",
    ),
    ..."/static/..%5csecret /static/..\\secret /static/%5c%5chost/x /static/x%00.css /static/%00".split(" "),
    ..."/static/. /static/./x /static/%2e/x /static/%c0%ae%c0%ae/x /static/%zz /static/% /static/%ff".split(
      " ",
    ),
    ..."/statics/x /x /static/x%0a /static/x%7f /static/a//b //static/x".split(" "),
    `/static/${"a".repeat(256)}`,
    `/static/${"a/".repeat(3000)}`,
  ]) {
    it(`refuses ${path.slice(0, 40)}`, () => assert.equal(below(path), undefined));
  }

  it("takes doubly encoded names for what they say once decoded, which leads nowhere else", () => {
    assert.equal(below("/static/%252e%252e/x"), "/%2e%2e/x");
    assert.equal(below("/static/a%252fb"), "/a%2fb");
    assert.equal(below("/static/..%252fx"), undefined); // begins with a dot
  });

  it("hides names that begin with a dot, but for /.well-known", () => {
    assert.equal(below("/static/.hidden"), undefined);
    assert.equal(below("/static/a/.hidden/b"), undefined);
    assert.equal(below("/static/%2ehidden"), undefined);
    assert.equal(below("/static/.well-known/security.txt"), "/.well-known/security.txt");
    assert.equal(below("/static/a/.well-known/x"), undefined);
    assert.equal(below("/static/.hidden", true), "/.hidden");
  });

  it("never shows a repository or secrets, whatever the settings say", () => {
    for (const name of [
      ...[".git", ".git/config", ".env", ".env.local", ".hg", ".svn/x", ".htpasswd", ".ssh/id_rsa", ".GIT"],
    ]) {
      assert.equal(below(`/static/${name}`, true), undefined, name);
    }
    assert.equal(below("/static/.gitea", true), "/.gitea");
  });

  it("never leaves the folder, however a path was mangled", () => {
    const seed = randomInt(2 ** 31);
    const pieces = [
      ...[
        "..",
        ".",
        "%2e",
        "%2E%2e",
        "/",
        "%2f",
        "%5c",
        "\\",
        "%00",
        "a",
        "%",
        "%25",
        "%c0%ae",
        "static",
        ";",
        "~",
      ],
    ];
    let state = seed;
    const next = (): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return state >> 8;
    };
    for (let round = 0; round < 20_000; round++) {
      let path = "/static/";
      for (let n = next() % 10; n >= 0; n--) path += pieces[next() % pieces.length];
      const rest = below(path, round % 2 === 0);
      if (rest === undefined || rest === "") continue;
      assert.ok(normalize(`/base${rest}`).startsWith("/base/"), `seed ${seed}: ${path}`);
      assert.ok(
        !rest.includes("\0") && !rest.includes("\\") && !rest.includes("//"),
        `seed ${seed}: ${path}`,
      );
      assert.ok(!rest.split("/").some((name) => name === ".." || name === "."), `seed ${seed}: ${path}`);
    }
  });
});
