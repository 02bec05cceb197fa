// A real nginx in front, over every protocol that it speaks to applications.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { uwsgiPacket } from "../harness/gateway-packets.ts";
import { startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const hasNginx = spawnSync("nginx", ["-v"]).status === 0;
const skip = hasNginx ? false : "nginx is not installed";
const PARAMS = [
  "QUERY_STRING $query_string",
  "REQUEST_METHOD $request_method",
  "CONTENT_TYPE $content_type",
  "REQUEST_URI $request_uri",
  "PATH_INFO $document_uri",
  "SERVER_PROTOCOL $server_protocol",
  "REQUEST_SCHEME $scheme",
  "REMOTE_ADDR $remote_addr",
  "REMOTE_PORT $remote_port",
  "SERVER_PORT $server_port",
  "SERVER_NAME $server_name",
];
const LENGTH = "CONTENT_LENGTH $content_length";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Where nginx listens. `pass`: lines of its location. */
async function startNginx(t: TestContext, pass: readonly string[]): Promise<string> {
  const folder = temporaryFolder(t);
  const port = await freePort();
  mkdirSync(join(folder, "tmp"));
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/tmp/${name};`,
  );
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const path = join(folder, "nginx.conf");
  writeFileSync(
    path,
    `${user} daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 64; }
http { access_log off; ${temps.join(" ")}
  server { listen 127.0.0.1:${port}; server_name example.org; location / { ${pass.join(" ")} } } }
`,
  );
  const nginx = spawn("nginx", ["-p", folder, "-c", path], { stdio: "ignore" });
  t.after(async () => {
    if (nginx.exitCode !== null) return;
    nginx.kill("SIGTERM");
    await once(nginx, "exit");
  });
  const origin = `http://127.0.0.1:${port}`;
  await eventually(10_000, "nginx answers", () =>
    fetch(origin).then(
      () => true,
      () => false,
    ),
  );
  return origin;
}

describe("behind nginx", { skip }, () => {
  for (const protocol of ["uwsgi", "fastcgi", "scgi"] as const) {
    it(`serves Flask over ${protocol}`, async (t) => {
      const server = await startServer(t, [
        "--protocol",
        protocol,
        "-b",
        "127.0.0.1:0",
        "--access-logfile",
        "-",
        "flask_app:app",
      ]);
      const params = protocol === "scgi" ? ["SCGI 1", ...PARAMS] : [LENGTH, ...PARAMS];
      const lines = params.map((line) => `${protocol}_param ${line};`);
      const origin = await startNginx(t, [...lines, `${protocol}_pass 127.0.0.1:${server.port};`]);
      const response = await fetch(`${origin}/no%20such?x=1`);
      assert.equal(response.status, 404);
      assert.match(response.headers.get("server") ?? "", /nginx/);
      await server.logged(/127\.0\.0\.1 .*"GET \/no%20such\?x=1 HTTP\/1\.[01]" 404/);
      const head = await fetch(`${origin}/no`, { method: "HEAD" });
      assert.equal(head.status, 404);
      const post = await fetch(`${origin}/no`, { method: "POST", body: "x".repeat(200_000) });
      assert.equal(post.status, 404);
    });
  }
});

describe("a listener for uwsgi", () => {
  it("answers hostile packets, and goes on", async (t) => {
    const server = await startServer(t, ["--protocol", "uwsgi", "-b", "127.0.0.1:0", "flask_app:app"]);
    const ask = async (bytes: Buffer, isCut = false): Promise<string> => {
      const socket = connect(server.port, "127.0.0.1");
      t.after(() => socket.destroy());
      socket.write(bytes);
      if (isCut) socket.end();
      let text = "";
      for await (const piece of socket) text += String(piece);
      return text;
    };
    const good = { REQUEST_METHOD: "GET", REQUEST_URI: "/no", HTTP_HOST: "a", UWSGI_FILE: "exec://id" };
    assert.match(await ask(uwsgiPacket(good, { size: 10 })), /^HTTP\/1\.1 400 /);
    assert.match(await ask(uwsgiPacket(good).subarray(0, 20), true), /^HTTP\/1\.1 400 /);
    assert.match(await ask(Buffer.from("GET / HTTP/1.1\r\n\r\n")), /^HTTP\/1\.1 400 [\s\S]*HTTP or TLS/);
    assert.match(await ask(uwsgiPacket(good)), /^HTTP\/1\.1 404 /);
    await server.logged(/ignored a variable[^\n]*UWSGI_FILE/);
  });

  it("closes connections of strangers, and says so once", async (t) => {
    const server = await startServer(t, [
      "--protocol",
      "uwsgi",
      "--uwsgi-allow-from",
      "192.0.2.1",
      "-b",
      "127.0.0.1:0",
      "flask_app:app",
    ]);
    for (let count = 0; count < 3; count++) {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => {}); // a reset is an end, too
      socket.resume();
      await once(socket, "close");
    }
    const output = await server.logged(/may not speak uwsgi here[^\n]*--gateway-allow-from=127\.0\.0\.1/);
    assert.equal(output.split("may not speak uwsgi").length, 2);
  });
});

describe("the PROXY protocol", () => {
  it("names the client, and lets nobody in without it", async (t) => {
    const server = await startServer(t, [
      "--proxy-protocol",
      "-b",
      "127.0.0.1:0",
      "--access-logfile",
      "-",
      "flask_app:app",
    ]);
    const ask = async (text: string): Promise<string> => {
      const socket = connect(server.port, "127.0.0.1");
      t.after(() => socket.destroy());
      socket.on("error", () => {}); // as above
      socket.write(text);
      let answer = "";
      for await (const piece of socket) answer += String(piece);
      return answer;
    };
    const request = "GET /no HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert.match(await ask(`PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n${request}`), /^HTTP\/1\.1 404 /);
    await server.logged(/203\.0\.113\.9 .*"GET \/no HTTP\/1\.1" 404/);
    assert.equal(await ask(request), "");
    await server.logged(/without a good PROXY header[^\n]*ERR_PROXY_MISSING/);
  });
});
