// What a reload changes of a server besides its application: logs, health, metrics, and who may connect how.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask, RawClient } from "../harness/http-client.ts";
import { type Server, startServer } from "../harness/server.ts";
import { type Owner, temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const APP = `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"here"]
`;

class Site {
  readonly folder: string;

  constructor(owner: Owner) {
    this.folder = temporaryFolder(owner, { "app.py": APP });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): string {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), "utf8") : "";
  }

  configure(...lines: readonly string[]): void {
    writeFileSync(this.path("gunicorn.conf.py"), `bind = "127.0.0.1:0"\n${lines.join("\n")}\n`);
  }

  async start(owner: Owner): Promise<Server> {
    const server = await startServer(owner, ["app"], { cwd: this.folder });
    await server.logged(/Ready at/);
    return server;
  }
}

/** `log`: where the server says that it is done. */
async function reload(server: Server, log: () => string): Promise<void> {
  const seen = (): number => log().split("reload finished").length;
  const before = seen();
  server.signal("SIGHUP");
  await eventually(20_000, "the reload is finished", () => seen() > before);
}

test("HUP moves logs, changes their form and level, and names a file that cannot be opened", async (t) => {
  const site = new Site(t);
  site.configure("accesslog = 'first.log'");
  const server = await site.start(t);
  await ask(server.endpoint, { path: "/one" });
  await eventually(5_000, "the first line", () => site.read("first.log").includes("GET /one"));
  site.configure("accesslog = 'second.log'", "access_log_format = 'asked %(U)s'", "loglevel = 'debug'");
  await reload(server, () => server.output);
  await eventually(5_000, "the new form in the new file", async () => {
    await ask(server.endpoint, { path: "/two" });
    return site.read("second.log").includes("asked /two\n");
  });
  assert.ok(!site.read("first.log").includes("/two"));
  assert.match(server.output, /\[DEBUG\]/);
  site.configure("accesslog = 'none/third.log'", "errorlog = 'error.log'");
  await reload(server, () => server.output + site.read("error.log"));
  await eventually(5_000, "the fault is told in the new error log", () =>
    /\[ERROR\] access log not opened; the one before stays in use.*third\.log/.test(site.read("error.log")),
  );
  await ask(server.endpoint, { path: "/three" });
  await eventually(5_000, "the log before goes on", () => site.read("second.log").includes("/three"));
  assert.doesNotMatch(site.read("error.log"), /only after a new start/);
  server.signal("SIGTERM");
  await server.exited();
  assert.match(site.read("error.log"), /Shutting down/);
});

test("HUP turns health checks and metrics on and off", async (t) => {
  const texts: string[] = [];
  const receiver = createSocket("udp4", (bytes) => texts.push(bytes.toString()));
  t.after(() => receiver.close());
  await new Promise<void>((resolve) => receiver.bind(0, "127.0.0.1", resolve));
  const site = new Site(t);
  site.configure();
  const server = await site.start(t);
  const ready = { path: "/-/ready" };
  assert.equal((await ask(server.endpoint, ready)).body, "here");
  const statsd = `statsd_host = '127.0.0.1:${receiver.address().port}'`;
  site.configure("health = '/-/'", statsd, "statsd_prefix = 'later'");
  await reload(server, () => server.output);
  await eventually(5_000, "health", async () => (await ask(server.endpoint, ready)).body !== "here");
  await ask(server.endpoint, { path: "/" });
  await eventually(10_000, "metrics of front and arbiter", () =>
    /^later\.gunicorn\.requests:[\s\S]*^later\.gunicorn\.workers:1/m.test(texts.sort().join("\n")),
  );
  site.configure();
  await reload(server, () => server.output);
  await eventually(5_000, "no health", async () => (await ask(server.endpoint, ready)).body === "here");
  assert.doesNotMatch(server.output, /only after a new start/);
  await server.stop();
});

test("HUP changes who may connect by the PROXY protocol", async (t) => {
  const site = new Site(t);
  site.configure("proxy_protocol = True", "proxy_allow_ips = '192.0.2.1'");
  const server = await site.start(t);
  const asked = async (): Promise<string> => {
    const client = new RawClient(server.endpoint);
    client.send(
      "PROXY TCP4 192.0.2.9 192.0.2.1 5 80\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    return client.untilClosed();
  };
  assert.equal(await asked(), "");
  site.configure("proxy_protocol = True", "proxy_allow_ips = '127.0.0.1'");
  await reload(server, () => server.output);
  await eventually(5_000, "let in", async () => (await asked()).endsWith("here"));
  await server.stop();
});
