import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

const TEXT = "0123456789".repeat(1_000);
/** nginx would be asked by others than this machine: so a request says that it came by a proxy. */
const BY_PROXY = ["-H", "X-Forwarded-For: 192.0.2.1"];

interface Scene {
  readonly server: Server;
  readonly folder: string;
  curl(path: string, ...options: string[]): { head: string; body: string };
}

async function scene(t: TestContext, target: string, ...options: string[]): Promise<Scene> {
  const folder = temporaryFolder(t, { "private/a.txt": TEXT, "secret/b.txt": "secret" });
  symlinkSync("../secret/b.txt", join(folder, "private/link.txt"));
  const words = options.map((option) => option.replace("FOLDER", folder));
  const server = await startServer(t, ["-w", "1", "-b", "127.0.0.1:0", ...words, target]);
  const curl = (path: string, ...more: string[]): { head: string; body: string } => {
    const url = `http://127.0.0.1:${server.port}${path}`;
    const text = execFileSync("curl", ["-s", "-i", "--max-time", "10", "--path-as-is", ...more, url], {
      encoding: "latin1",
      maxBuffer: 1e8,
    });
    const end = text.indexOf("\r\n\r\n");
    return { head: text.slice(0, end), body: text.slice(end + 4) };
  };
  return { server, folder, curl };
}

for (const [kind, target] of [
  ["WSGI", "sends_files:app"],
  ["ASGI", "sends_files:asgi"],
] as const) {
  describe(`X-Sendfile of a ${kind} application`, () => {
    it("sends a file that lies in an allowed folder, with the application's fields, in parts too", async (t) => {
      const { curl, folder } = await scene(t, target, "--sendfile-root", "FOLDER/private");
      const path = `/sendfile?${folder}/private/a.txt`;
      const { head, body } = curl(path);
      assert.match(head, /^HTTP\/1\.1 200 /);
      assert.equal(body, TEXT);
      assert.match(head, /content-length: 10000/i);
      assert.match(head, /set-cookie: a=1/i);
      assert.doesNotMatch(head, /x-sendfile|private\/a\.txt/i);
      assert.equal(head.match(/content-(?:length|type)/gi)?.length, 2);
      const etag = /etag: (\S+)/i.exec(head)?.[1] ?? "";
      assert.match(curl(path, "-H", `If-None-Match: ${etag}`).head, /^HTTP\/1\.1 304 /);
      const part = curl(path, "-r", "9990-");
      assert.match(part.head, /^HTTP\/1\.1 206 /);
      assert.match(part.head, /content-range: bytes 9990-9999\/10000/i);
      assert.equal(part.body, "0123456789");
    });

    it("sends nothing that lies elsewhere, and says why in the log", async (t) => {
      const { curl, folder, server } = await scene(t, target, "--sendfile-root", "FOLDER/private");
      const names = [
        "secret/b.txt",
        "private/link.txt",
        "private/../secret/b.txt",
        "private/%2e%2e/secret/b.txt",
      ];
      for (const name of names) {
        const { head, body } = curl(`/sendfile?${folder}/${name}`);
        assert.match(head, /^HTTP\/1\.1 500 /, name);
        assert.doesNotMatch(head + body, /x-sendfile|secret/i);
      }
      assert.match(curl("/sendfile?a.txt").head, / 500 /);
      assert.match(curl(`/sendfile?${folder}/private/none`).head, / 404 /);
      await server.logged(/X-Sendfile of the application is refused.*lies in no folder/);
    });

    it("is refused where no folder is allowed, with a line that names the option", async (t) => {
      const { curl, folder, server } = await scene(t, target);
      assert.match(curl(`/sendfile?${folder}/private/a.txt`).head, / 500 /);
      await server.logged(/X-Sendfile.*--sendfile-root/);
      assert.match(curl("/accel?/protected/a.txt").head, / 500 /);
      await server.logged(/X-Accel-Redirect.*--static-internal/);
    });

    it("is left to a proxy in front that is trusted and may obey it", async (t) => {
      const { curl } = await scene(t, target);
      assert.match(
        curl("/accel?/protected/a.txt", ...BY_PROXY).head,
        /x-accel-redirect: \/protected\/a\.txt/i,
      );
    });
  });

  describe(`X-Accel-Redirect of a ${kind} application`, () => {
    it("leads to an internal folder, where no client gets", async (t) => {
      const { curl } = await scene(t, target, "--static-internal", "/protected=FOLDER/private");
      const { head, body } = curl("/accel?/protected/a.txt");
      assert.match(head, /^HTTP\/1\.1 200 /);
      assert.equal(body, TEXT);
      assert.doesNotMatch(head, /x-accel/i);
      assert.equal(curl("/accel?/protected/a.txt", "-r", "0-3").body, "0123");
      assert.match(curl("/protected/a.txt").head, / 500 /, "that was the application, which names nothing");
      for (const path of [
        "/protected/../secret/b.txt",
        "/protected/..%2fsecret/b.txt",
        "/protected/link.txt",
        "/else",
      ]) {
        assert.match(curl(`/accel?${path.replace("%", "%25")}`).head, / 500 /, path);
      }
    });
  });
}

describe("files of an application", () => {
  it("have a type by their name where the application says none", async (t) => {
    const { curl, folder } = await scene(t, "sends_files:app", "--sendfile-root", "FOLDER/private");
    assert.match(curl(`/typeless?${folder}/private/a.txt`).head, / 500 /); // X-Accel-Redirect to nowhere
    const accel = await scene(t, "sends_files:app", "--static-internal", "/p=FOLDER/private");
    assert.match(accel.curl("/typeless?/p/a.txt").head, /content-type: text\/plain; charset=utf-8/i);
  });

  it("take the place of a long body, after which the worker serves on", async (t) => {
    const { curl } = await scene(t, "sends_files:app", "--static-internal", "/p=FOLDER/private");
    for (let round = 0; round < 3; round++) assert.equal(curl("/long?/p/a.txt").body, TEXT);
  });

  for (const [name, target, path] of [
    ["wsgi.file_wrapper", "sends_files:app", "/wrapped"],
    ["pathsend", "sends_files:asgi", "/pathsend"],
  ] as const) {
    it(`are sent in parts by ${name}, if they are not little, where the application allows ranges`, async (t) => {
      const { curl, folder } = await scene(t, target);
      mkdirSync(join(folder, "x"));
      const text = "abcdefghij".repeat(100_000); // little ones are read by the worker
      writeFileSync(join(folder, "x/c.txt"), text);
      const file = `${path}?${folder}/x/c.txt`;
      assert.equal(curl(file).body, text);
      const part = curl(file, "-r", "2-4");
      assert.match(part.head, /^HTTP\/1\.1 206 /);
      assert.equal(part.body, "cde");
      assert.match(curl(file, "-H", 'If-None-Match: "mine"').head, / 304 /);
      assert.equal(curl(file, "-r", "2-4", "-H", 'If-Range: "other"').body, text);
    });
  }
});
