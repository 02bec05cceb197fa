// Where a server can listen, and what is said when it cannot.

import assert from "node:assert/strict";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { ask, type Endpoint } from "../harness/http-client.ts";
import { PYTHON, runTunicorn, type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { WITH_SOCKET } from "../harness/with-socket.ts";

async function greets(endpoint: Endpoint): Promise<void> {
  assert.equal((await ask(endpoint, { path: "/hello" })).body, "Hello, world!\n");
}

function givenPort(server: Server): Endpoint {
  return { port: Number(/given port (\d+)/.exec(server.output)?.[1]) };
}

test("several addresses are served at once: TCP, IPv6 and a Unix socket", async (t) => {
  const path = join(temporaryFolder(t), "socket");
  const args = ["-b", "127.0.0.1:0", "-b", "127.0.0.1:0", "-b", "[::1]:0", "-b", `unix:${path}`, "plain"];
  const server = await startServer(t, args);
  await server.logged(/istening\b[^\n]*unix:/);
  const [first, second, third, fourth] = server.endpoints;
  assert.ok(first && second && third && fourth);
  assert.notDeepEqual(first, second);
  await greets(first);
  await greets(second);
  assert.ok("port" in third);
  const page = await fetch(`http://[::1]:${third.port}/hello`);
  assert.equal(await page.text(), "Hello, world!\n");
  assert.deepEqual(fourth, { path });
  await greets(fourth);
  await server.stop();
  assert.ok(!existsSync(path), "the socket file is gone");
});

test("a Unix socket gets the mode asked for, and peers without an address", async (t) => {
  const path = join(temporaryFolder(t), "socket");
  const server = await startServer(t, ["-b", `unix:${path}`, "--socket-mode", "640", "plain"]);
  assert.equal(statSync(path).mode & 0o777, 0o640);
  const { body } = await ask({ path }, { path: "/environ", headers: { Host: "site.test" } });
  const environ = JSON.parse(body) as Record<string, unknown>;
  assert.equal(environ["REMOTE_ADDR"], "");
  assert.equal(environ["SERVER_NAME"], "site.test");
  assert.equal(environ["SERVER_PORT"], "80");
  await server.stop();
});

test("a stale Unix socket is replaced, a living one and a plain file are not", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "socket");
  const first = await startServer(t, ["-b", `unix:${path}`, "plain"]);
  const refused = await runTunicorn(t, ["-b", `unix:${path}`, "plain"]);
  assert.equal(refused.code, 1, refused.output);
  await greets({ path });
  first.signal("SIGKILL");
  await first.exited();
  assert.ok(existsSync(path));
  const second = await startServer(t, ["-b", `unix:${path}`, "plain"]);
  await greets({ path });
  await second.stop();
  const file = join(folder, "file");
  writeFileSync(file, "precious");
  assert.equal((await runTunicorn(t, ["-b", `unix:${file}`, "plain"])).code, 1);
  assert.equal(statSync(file).size, 8);
});

test("a given descriptor is served", async (t) => {
  const wrapper = [PYTHON, "-c", WITH_SOCKET, "plain"];
  const server = await startServer(t, ["-b", "fd://3", "plain"], { wrapper });
  await greets(givenPort(server));
  await server.stop();
});

test("systemd's sockets are served instead of the addresses", async (t) => {
  const wrapper = [PYTHON, "-c", WITH_SOCKET, "systemd"];
  const server = await startServer(t, ["-b", "127.0.0.1:1", "plain"], { wrapper });
  await greets(givenPort(server));
  await server.stop();
});

test("$PORT is the default port", async (t) => {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const address = probe.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  await new Promise((resolve) => probe.close(resolve));
  const server = await startServer(t, ["plain"], { env: { PORT: String(port) } });
  await greets({ port });
  await server.stop();
});

test("a port in use is one clear line and code 1", async (t) => {
  const server = await startServer(t, ["-b", "127.0.0.1:0", "plain"]);
  const second = await runTunicorn(t, ["-b", `127.0.0.1:${server.port}`, "plain"]);
  assert.equal(second.code, 1, second.output);
  assert.match(second.output, new RegExp(`${server.port}.*in use`));
  await server.stop();
});

test("an address that is not this machine's is refused with code 1", async (t) => {
  const exit = await runTunicorn(t, ["-b", "192.0.2.1:0", "plain"]);
  assert.equal(exit.code, 1, exit.output);
  assert.match(exit.output, /192\.0\.2\.1/);
});
