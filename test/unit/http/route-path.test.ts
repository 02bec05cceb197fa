import assert from "node:assert/strict";
import { posix } from "node:path";
import { describe, it } from "node:test";
import { isBelow, isPlainPath, pathReadings, readPattern } from "../../../src/http/route-path.ts";
import { makeRandom, pick } from "../../fuzz/random.ts";
import { testRouter } from "../../harness/routes.ts";

describe("readings of a path", () => {
  for (const [path, readings] of [
    ["/a%20b", ["/a b"]],
    ["/%61", ["/a"]],
    ["/a%2Fb", ["/a/b", "/a%2Fb"]],
    ["/a/../b", ["/a/../b", "/b"]],
    ["//a", ["//a", "/a"]],
    ["/a;v=1/b", ["/a;v=1/b", "/a/b"]],
    ["/a%5Cb", ["/a\\b", "/a/b"]],
    ["/a\\b", undefined],
    ["/a//../b", ["/a//../b", "/a/b", "/a/../b", "/b"]],
    ["/%c3%a9", ["/\u00c3\u00a9"]],
    ["/a/.", ["/a/.", "/a/"]],
    ["/%2e%2e", undefined],
    ["/a/../..", undefined],
    ["/%", undefined],
    ["/%0", undefined],
    ["/%00", undefined],
  ] as const) {
    it(`${path} may mean ${JSON.stringify(readings)}`, () => assert.deepEqual(pathReadings(path), readings));
  }

  it("are asked for only where there can be several", () => {
    for (const plain of ["/", "/a/b.c/", "/.well-known/x", "/a..b/...", "*", ""])
      assert.ok(isPlainPath(plain));
    for (const unclear of ["/%61", "//", "/a/..", "/./a", "/a;b", "/\\"]) assert.ok(!isPlainPath(unclear));
  });

  it("are compared with patterns in the same form", () => {
    assert.deepEqual(readPattern("/é%20"), { path: "/\u00c3\u00a9 " });
    assert.ok("reason" in readPattern("/a?b"));
  });
});

/** How others see a path: Python, frameworks that merge slashes, file systems, those who know parameters or backslashes. */
const READERS: readonly ((path: string) => string)[] = [
  (path) => unescape(path),
  (path) => unescape(path).replace(/\/+/g, "/"),
  (path) => posix.normalize(unescape(path)),
  (path) => posix.normalize(unescape(path).replace(/;[^/]*/g, "")),
  (path) => posix.normalize(unescape(path).replaceAll("\\", "/")),
  (path) => unescape(new URL(`http://h${path.replaceAll("?", "").replace(/^\/+/, "/")}`).pathname),
];

const ROUTES = ["/admin", "/static", "/static/admin", "/a"];
const PIECES = [
  ...["/", "//", "/./", "/../", "/..", "%2f", "%2F", "%2e", "%2E%2e", ".", "..", "\\", "%5c", ";x", ";", "%"],
  ...["admin", "%61dmin", "static", "a", "A", "x", "%00", "%25", "%252f", "%c0%ae", "%20"],
];

describe("however a path is spelled", () => {
  it("it gets to the route that all see in it, or is refused", (t) => {
    const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
    t.diagnostic(`SEED=${seed}`);
    const random = makeRandom(seed);
    const { ask } = testRouter(
      `${ROUTES.map(
        (path) => `[[routes]]\nmatch.path = "${path}/*"\nfiles = { root = "${path}", strip = false }\n`,
      )
        .reverse()
        .sort((a, b) => b.length - a.length)
        .join("")}[[routes]]\napp = "app"\n`,
    );
    const naive = (path: string): string => {
      const fitting = ROUTES.filter((route) => isBelow(route, path)).sort((a, b) => b.length - a.length);
      return fitting[0] === undefined ? "app" : `files ${fitting[0]}`;
    };
    let through = 0;
    for (let round = 0; round < 30_000; round += 1) {
      const target = `/${Array.from({ length: 1 + random(7) }, () => pick(PIECES, random)).join("")}`;
      const answer = ask({ target });
      if (answer === "400") continue;
      through += 1;
      for (const reader of READERS)
        assert.equal(naive(reader(target)), answer, `${target} with SEED=${seed}, read as ${reader(target)}`);
    }
    assert.ok(through > 1_000, "most of the paths were refused");
  });
});
