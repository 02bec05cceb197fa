import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const LARGE_BYTES = 24 * 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

interface Scene {
  readonly server: Server;
  readonly folder: string;
  curl(path: string, ...options: string[]): Answer;
}

async function scene(t: TestContext, ...options: string[]): Promise<Scene> {
  const folder = temporaryFolder(t, {
    "public/a.txt": "0123456789",
    "public/docs/index.html": "docs",
    "public/.env": "SECRET=1",
    "public/.git/config": "secret",
    "secret.txt": "secret",
  });
  writeFileSync(join(folder, "public/app.js"), "let a;".repeat(100));
  writeFileSync(join(folder, "public/app.js.gz"), gzipSync("let a;".repeat(100)));
  symlinkSync("../secret.txt", join(folder, "public/link.txt"));
  const words = options.length > 0 ? options : ["--static", "/static=FOLDER/public"];
  const args = ["-w", "1", "-b", "127.0.0.1:0", ...words.map((word) => word.replace("FOLDER", folder))];
  const server = await startServer(t, [...args, "plain:hello"]);
  await server.logged(/Ready at/);
  return { server, folder, curl: (path, ...more) => curl(server, path, more) };
}

function curl(server: Server, path: string, options: readonly string[]): Answer {
  const args = ["-s", "-i", "--max-time", "20", "--path-as-is", ...options];
  const text = execFileSync("curl", [...args, `http://127.0.0.1:${server.port}${path}`], {
    encoding: "latin1",
    maxBuffer: 1e9,
  });
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end);
  return { status: Number(head.slice(9, 12)), head, body: text.slice(end + 4) };
}

function sha(data: Buffer | string): string {
  return createHash("sha1")
    .update(typeof data === "string" ? Buffer.from(data, "latin1") : data)
    .digest("hex");
}

describe("--static", () => {
  it("serves files beside the application, with conditions, ranges and compressed siblings", async (t) => {
    const { curl } = await scene(t);
    assert.match(curl("/").body, /Hello/);
    const whole = curl("/static/a.txt");
    assert.equal(whole.body, "0123456789");
    const etag = /etag: (\S+)/i.exec(whole.head)?.[1] ?? "";
    const date = /last-modified: ([^\r]+)/i.exec(whole.head)?.[1] ?? "";
    assert.equal(curl("/static/a.txt", "-H", `If-None-Match: ${etag}`).status, 304);
    assert.equal(curl("/static/a.txt", "-H", `If-Modified-Since: ${date}`).status, 304);
    assert.equal(curl("/static/a.txt", "-H", 'If-Match: "x"').status, 412);
    assert.equal(curl("/static/a.txt", "-r", "2-4").body, "234");
    assert.equal(curl("/static/a.txt", "-r", "2-4", "-H", `If-Range: ${etag}`).status, 206);
    assert.equal(curl("/static/a.txt", "-r", "2-4", "-H", 'If-Range: "x"').body, "0123456789");
    assert.match(curl("/static/a.txt", "-r", "0-0,-1").head, /multipart\/byteranges/);
    assert.equal(curl("/static/a.txt", "-r", "99-").status, 416);
    assert.equal(curl("/static/a.txt", "-X", "POST", "-d", "x").status, 405);
    assert.match(curl("/static/a.txt", "-I").head, /content-length: 10/i);
    assert.equal(curl("/static/app.js", "--compressed").body, "let a;".repeat(100));
    assert.match(curl("/static/app.js", "--compressed").head, /content-encoding: gzip/i);
    assert.match(curl("/static/docs").head, /location: \.\/docs\//i);
    assert.equal(curl("/static/docs", "-L").body.includes("docs"), true);
  });

  it("gives nothing from outside of the folder, and no secrets from inside", async (t) => {
    const { curl } = await scene(t);
    const paths =
      `/static/../secret.txt /static/..%2fsecret.txt /static/%2e%2e/secret.txt /static/%2e%2e%2fsecret.txt
      /static/..%5csecret.txt /static/..\\secret.txt /static/%252e%252e/secret.txt /static/..%252fsecret.txt /static/./../secret.txt
      /static//etc/passwd /static/%2fetc/passwd /static//../secret.txt /static/a.txt%00.html /static/a.txt/../../secret.txt
      /static/..;/secret.txt /static/%c0%ae%c0%ae/secret.txt /static/.env /static/%2eenv /static/.git/config /static/link.txt
      /static/docs/../../secret.txt /static/....//secret.txt`.split(/\s+/);
    for (const path of paths) {
      const { status, body } = curl(path);
      assert.ok(status === 400 || status === 403 || status === 404, `${path}: ${status}`);
      assert.doesNotMatch(body, /secret|SECRET|root:/, path);
    }
    assert.equal(curl("/static/a.txt").status, 200);
  });

  it("answers hostile ranges with no more than the file", async (t) => {
    const { curl } = await scene(t);
    const ranges = [
      "0-,".repeat(1000),
      "0-,1-,2-,3-",
      "-".repeat(100),
      "0-0,".repeat(20),
      `0-${"9".repeat(500)}`,
    ];
    for (const range of ranges) {
      const { body, status } = curl("/static/a.txt", "-H", `Range: bytes=${range}`);
      assert.ok(status === 200 || status === 206, `${range.slice(0, 20)}: ${status}`);
      assert.ok(body.length < 1_000, range.slice(0, 20));
    }
  });

  it("sends a large file whole, in parts, and to a reader that takes its time", async (t) => {
    const { curl, folder, server } = await scene(t);
    const data = randomBytes(LARGE_BYTES);
    writeFileSync(join(folder, "public/big.bin"), data);
    assert.equal(sha(curl("/static/big.bin").body), sha(data));
    const part = curl("/static/big.bin", "-r", "1000000-20000000");
    assert.equal(sha(part.body), sha(data.subarray(1_000_000, 20_000_001)));
    const slow = curl("/static/big.bin", "--limit-rate", "40M");
    assert.equal(sha(slow.body), sha(data));
    assert.match(curl("/static/a.txt").body, /^0123/);
    assert.equal(server.output.includes("ERROR"), false);
  });

  it("finishes a file that is replaced while it is sent, and forgets who leaves", async (t) => {
    const { curl, folder, server } = await scene(t);
    const data = randomBytes(LARGE_BYTES);
    const path = join(folder, "public/big.bin");
    writeFileSync(path, data);
    const received: Buffer[] = [];
    const client = connect(server.port, "127.0.0.1");
    t.after(() => client.destroy());
    client.write("GET /static/big.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const ended = new Promise<void>((resolve) => client.on("end", () => resolve()));
    await new Promise<void>((resolve) => {
      client.once("data", (bytes: Buffer) => {
        received.push(bytes);
        client.pause();
        resolve();
      });
    });
    writeFileSync(`${path}.new`, "new");
    renameSync(`${path}.new`, path);
    await eventually(5_000, "the new file", () => curl("/static/big.bin").body === "new");
    client.on("data", (bytes: Buffer) => received.push(bytes));
    client.resume();
    await ended;
    const text = Buffer.concat(received);
    assert.equal(sha(text.subarray(text.indexOf("\r\n\r\n") + 4)), sha(data));
  });

  it("serves while workers are down, and says 404 while the folder is", async (t) => {
    const { curl, folder, server } = await scene(t);
    const [worker] = server.tree.workers;
    assert.ok(worker !== undefined);
    process.kill(worker, "SIGSTOP");
    try {
      assert.equal(curl("/static/a.txt").body, "0123456789");
    } finally {
      process.kill(worker, "SIGCONT");
    }
    renameSync(join(folder, "public"), join(folder, "away"));
    await eventually(5_000, "404", () => curl("/static/a.txt").status === 404);
    renameSync(join(folder, "away"), join(folder, "public"));
    await eventually(5_000, "200", () => curl("/static/a.txt").status === 200);
    rmSync(join(folder, "public/a.txt"));
    await eventually(5_000, "404", () => curl("/static/a.txt").status === 404);
  });

  it("puts a folder in front of the application, which gets the rest", async (t) => {
    const { curl } = await scene(t, "--static", "/=FOLDER/public");
    assert.equal(curl("/a.txt").body, "0123456789");
    assert.match(curl("/not-a-file").body, /Hello/);
    assert.match(curl("/.env").body, /Hello/);
    assert.match(curl("/a.txt", "-X", "POST", "-d", "x").body, /Hello/);
  });

  it("serves a single page application", async (t) => {
    const { curl } = await scene(t, "--static", "/spa=FOLDER/public,fallback=docs/index.html");
    assert.equal(curl("/spa/users/7").body, "docs");
    assert.match(curl("/spa/users/7").head, /cache-control: no-cache/i);
    assert.equal(curl("/spa/none.js").status, 404);
  });
});

describe("a folder at / without an application", () => {
  it("is served by a server that starts no Python", async (t) => {
    const folder = temporaryFolder(t, { "public/index.html": "home" });
    const server = await startServer(t, ["-b", "127.0.0.1:0", "--static", `/=${folder}/public`]);
    await server.logged(/Ready at .*no applications/);
    const home = curl(server, "/", []);
    assert.deepEqual([home.status, home.body], [200, "home"]);
    assert.equal(curl(server, "/nothing", []).status, 404);
    assert.equal(curl(server, "/", ["-X", "POST"]).status, 405);
    assert.deepEqual(server.tree.workers, []);
  });
});
