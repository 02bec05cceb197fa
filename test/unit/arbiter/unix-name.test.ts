import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { freeName, nameOfSocket } from "../../../src/arbiter/unix-name.ts";
import { temporaryFolder } from "../../harness/temporary.ts";

async function serverAt(t: TestContext, path: string): Promise<Server & { _handle: { fd: number } }> {
  const server = createServer().listen(path);
  t.after(() => server.close());
  await once(server, "listening");
  return server as Server & { _handle: { fd: number } };
}

describe("the name of a Unix socket", () => {
  it("is found for a socket that somebody else has bound", {
    skip: process.platform !== "linux",
  }, async (t) => {
    const path = join(temporaryFolder(t), "a socket");
    const server = await serverAt(t, path);
    assert.equal(nameOfSocket(server._handle.fd), path);
    assert.equal(nameOfSocket(-1), "");
  });

  it("is free where nothing is, and not where a server or a file is, or where it is too long", async (t) => {
    const folder = temporaryFolder(t);
    await freeName(join(folder, "nothing"));
    await serverAt(t, join(folder, "server"));
    writeFileSync(join(folder, "file"), "");
    await assert.rejects(freeName(join(folder, "server")), { code: "EADDRINUSE" });
    await assert.rejects(freeName(join(folder, "file")), { code: "ENOTSOCK" });
    await assert.rejects(freeName(join(folder, "x".repeat(108))), { code: "ENAMETOOLONG" });
  });
});
