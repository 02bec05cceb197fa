// HTTP/2 with the clients that people have, over TLS and by prior knowledge.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { describe, it, type TestContext } from "node:test";
import { Authority, NO_OPENSSL } from "../harness/certificates.ts";
import { curl, missingCurl } from "../harness/curl.ts";
import { runClient } from "../harness/python-client.ts";
import { runTunicorn, type Server, startServer } from "../harness/server.ts";
import { eventually, within } from "../harness/wait.ts";
import { frame, TEXT } from "../harness/web-socket-client.ts";

const CLEAR = ["--http2-cleartext", "prior-knowledge"];
const BASE = ["-b", "127.0.0.1:0", "--keep-alive", "30"];
const NO_CURL = missingCurl("HTTP2") ?? false;
const NO_H2LOAD = spawnSync("h2load", ["--version"]).status === 0 ? false : "h2load is not installed";

async function clear(t: TestContext, ...args: readonly string[]): Promise<Server> {
  const server = await startServer(t, [...BASE, ...CLEAR, ...args]);
  await server.logged(/Ready at/);
  return server;
}

function session(t: TestContext, url: string): ClientHttp2Session {
  const client = connect(url, { rejectUnauthorized: false });
  client.on("error", () => {}); // the test says what it expects of the end
  t.after(() => client.destroy());
  return client;
}

async function get(client: ClientHttp2Session, path: string): Promise<string> {
  const stream = client.request({ ":path": path });
  const pieces: Buffer[] = [];
  stream.on("data", (bytes: Buffer) => pieces.push(bytes));
  await within(15_000, path, once(stream, "end"));
  return Buffer.concat(pieces).toString();
}

describe("HTTP/2 over TLS", () => {
  it("is what ALPN agrees upon, and HTTP/1.1 where the client wants it", {
    skip: NO_OPENSSL || NO_CURL,
  }, async (t) => {
    const authority = new Authority(t);
    const { certificate, key } = authority.issue({ names: ["localhost"] });
    const server = await startServer(t, [
      ...BASE,
      "--certfile",
      certificate,
      "--keyfile",
      key,
      "plain:application",
    ]);
    await server.logged(/Ready at/);
    const url = `https://localhost:${server.port}/environ`;
    const common = ["--cacert", authority.certificate, "-w", "\n%{http_version}", url];
    const second = (await curl("--http2", ...common)).toString();
    assert.match(second, /\n2$/);
    assert.match(second, /"SERVER_PROTOCOL": "HTTP\/2"/);
    assert.match(second, /"wsgi.url_scheme": "https"/);
    assert.match((await curl("--http1.1", ...common)).toString(), /\n1\.1$/);
  });

  it("is not offered with --no-http2", { skip: NO_OPENSSL || NO_CURL }, async (t) => {
    const authority = new Authority(t);
    const { certificate, key } = authority.issue({ names: ["localhost"] });
    const tls = ["--certfile", certificate, "--keyfile", key, "--no-http2"];
    const server = await startServer(t, [...BASE, ...tls, "plain:application"]);
    await server.logged(/Ready at/);
    const url = `https://localhost:${server.port}/hello`;
    const said = await curl("--http2", "-k", "-w", "\n%{http_version}", url);
    assert.match(said.toString(), /\n1\.1$/);
  });
});

describe("HTTP/2 by prior knowledge", () => {
  it("is spoken beside HTTP/1.1 where it was asked for", { skip: NO_CURL }, async (t) => {
    const server = await clear(t, "plain:application");
    const url = `http://127.0.0.1:${server.port}/hello`;
    const version = ["-o", "/dev/null", "-w", "%{http_version} %{http_code}", url];
    assert.equal((await curl("--http2-prior-knowledge", ...version)).toString(), "2 200");
    assert.equal((await curl("--http1.1", ...version)).toString(), "1.1 200");
    // RFC 9113 has no upgrade: the client's wish is ignored.
    assert.equal((await curl("--http2", ...version)).toString(), "1.1 200");
  });

  it("is refused by name where an upgrade from HTTP/1.1 is asked for", async (t) => {
    const { code, output } = await runTunicorn(t, ["--http2-cleartext", "upgrade", "plain:application"]);
    assert.equal(code, 2);
    assert.match(output, /--http2-cleartext "upgrade": HTTP\/2 has no upgrade from HTTP\/1\.1 any more/);
  });

  it("spreads the requests of one connection over all workers", async (t) => {
    const server = await clear(t, "-w", "2", "--requests-ahead", "1", "plain:application");
    const client = session(t, `http://127.0.0.1:${server.port}`);
    const pids = await Promise.all(Array.from({ length: 40 }, () => get(client, "/pid")));
    assert.equal(new Set(pids).size, 2);
  });

  it("serves httpx, and refuses what h2 can be made to send", async (t) => {
    const server = await clear(t, "-k", "asgi", "asgi.plain:app");
    const seen = (await runClient("http2_client", `http://127.0.0.1:${server.port}`)) as Record<
      string,
      unknown
    >;
    assert.deepEqual(seen["use"], { versions: ["HTTP/2"], statuses: [200], echo: true });
    assert.deepEqual(seen["abuse"], {
      "upper case": "reset",
      "line break": "reset",
      nul: "reset",
      connection: "reset",
      "two paths": "reset",
      "late pseudo": "reset",
      "two lengths": "reset",
      "other host": "400",
      good: "200",
    });
  });

  it("carries WebSockets (RFC 8441) beside requests, and tells them of a stop", async (t) => {
    const server = await clear(t, "-k", "asgi", "web_sockets:app");
    const client = session(t, `http://127.0.0.1:${server.port}`);
    const [settings] = await once(client, "remoteSettings");
    assert.equal(settings.enableConnectProtocol, true);
    const stream = client.request({
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":path": "/",
      "sec-websocket-version": "13",
      "sec-websocket-protocol": "chat",
    });
    const [headers] = await once(stream, "response");
    assert.equal(headers[":status"], 200);
    assert.equal(headers["sec-websocket-protocol"], "chat");
    assert.equal(headers["x-app"], "echo");
    let received = Buffer.alloc(0);
    stream.on("data", (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
    });
    stream.write(frame(TEXT, "over two"));
    await eventually(5_000, "an echo", () => received.includes("over two"));
    stream.write(frame(TEXT, "x".repeat(200_000)));
    await eventually(5_000, "a long echo", () => received.length > 200_000);
    assert.match(await get(client, "/"), /^http /);
    server.signal("SIGTERM");
    await within(10_000, "the WebSocket's end", once(stream, "end"));
    assert.equal(received.readUInt16BE(received.length - 2), 1012);
    stream.end();
    client.close();
    assert.equal((await server.exited()).code, 0);
  });

  it("answers a WebSocket that nobody takes with no 2xx", async (t) => {
    const server = await clear(t, "plain:application");
    const client = session(t, `http://127.0.0.1:${server.port}`);
    await once(client, "remoteSettings");
    const wish = { ":method": "CONNECT", ":protocol": "websocket", ":path": "/hello" };
    const stream = client.request({ ...wish, "sec-websocket-version": "13" });
    const [headers] = await within(10_000, "an answer", once(stream, "response"));
    assert.equal(headers[":status"], 501);
    assert.equal(await get(client, "/hello"), "Hello, world!\n");
  });

  it("loses no request of a client under load at a reload", { skip: NO_H2LOAD }, async (t) => {
    const server = await clear(t, "-w", "2", "plain:application");
    const load = h2load(server.port, 60_000);
    for (let times = 1; times <= 2; times++) {
      server.signal("SIGHUP");
      const finished = (): boolean => server.output.split("reload finished").length > times;
      await eventually(20_000, `reload ${times}`, finished);
    }
    assert.match(await load, /60000 succeeded, 0 failed, 0 errored/);
  });

  it("finishes what runs at a stop, and says goodbye", async (t) => {
    const server = await clear(t, "plain:application");
    const client = session(t, `http://127.0.0.1:${server.port}`);
    await get(client, "/hello");
    const goAway = once(client, "goaway");
    const slow = get(client, "/slow?s=1");
    await eventually(5_000, "the request runs", () => client.state.outboundQueueSize === 0);
    server.signal("SIGTERM");
    const [code] = await within(10_000, "GOAWAY", goAway);
    assert.equal(code, constants.NGHTTP2_NO_ERROR);
    assert.ok((await slow).length > 0);
    client.close();
    assert.equal((await server.exited()).code, 0);
  });
});

/** So many requests by h2load; what it said. */
async function h2load(port: number, requests: number): Promise<string> {
  const child = spawn("h2load", [
    "-n",
    String(requests),
    "-c",
    "4",
    "-m",
    "10",
    `http://127.0.0.1:${port}/hello`,
  ]);
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  try {
    await within(60_000, "h2load", once(child, "close"));
    return text;
  } finally {
    child.kill("SIGKILL");
  }
}
