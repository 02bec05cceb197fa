import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseHello } from "../../../src/wire/hello.ts";

const HELLO = {
  token: "t",
  role: "wire",
  pid: 7,
  nr: 0,
  generation: 1,
  interface: "wsgi",
  slots: 1,
  version: 1,
} as const;

describe("a worker's hello", () => {
  it("may name folders with long paths", () => {
    const root = `/${"ü".repeat(900)}`;
    const folders = ["/static/", "/media/"].map((url) => ({ url, root }));
    const text = JSON.stringify({ ...HELLO, django: { folders, problems: [] } }).replaceAll("ü", "\\u00fc");
    const hello = parseHello(Buffer.from(text));
    assert.ok(!("problem" in hello));
    assert.equal(hello.django?.folders[1]?.root, root);
  });

  it("has a limit", () => {
    const hello = parseHello(Buffer.from(JSON.stringify({ ...HELLO, token: "t".repeat(100_000) })));
    assert.deepEqual(hello, { problem: "hello is too long" });
  });
});
