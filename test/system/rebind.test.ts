// Addresses that change at a reload: those that stay lose nothing, those that come are served, those that go are not.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { Authority, type Issued, NO_OPENSSL } from "../harness/certificates.ts";
import { ask, RawClient } from "../harness/http-client.ts";
import { PYTHON, type Server, startServer } from "../harness/server.ts";
import { SteadyClients } from "../harness/steady-clients.ts";
import { type Owner, temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";
import { WITH_SOCKET } from "../harness/with-socket.ts";

const APP = `
def application(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d bytes" % len(body)]
`;

class Site {
  readonly folder: string;
  readonly #conf: string;

  constructor(owner: Owner) {
    this.folder = temporaryFolder(owner, { "app.py": APP });
    this.#conf = join(this.folder, "gunicorn.conf.py");
  }

  bind(...addresses: readonly string[]): void {
    writeFileSync(this.#conf, `bind = ${JSON.stringify(addresses)}\nworkers = 2\n`);
  }

  async start(owner: Owner, ...args: readonly string[]): Promise<Server> {
    const server = await startServer(owner, [...args, "app"], { cwd: this.folder });
    await server.logged(/Ready at/);
    return server;
  }
}

async function reload(server: Server, outcome: RegExp = /reload finished/g): Promise<void> {
  const seen = (): number => server.output.match(outcome)?.length ?? 0;
  const before = seen();
  server.signal("SIGHUP");
  await eventually(20_000, String(outcome), () => seen() > before);
}

async function portOf(server: Server, nr: number): Promise<number> {
  await eventually(5_000, "the address is said", () => server.endpoints.length > nr);
  const endpoint = server.endpoints[nr];
  assert.ok(endpoint !== undefined && "port" in endpoint);
  return endpoint.port;
}

async function isServed(port: number): Promise<boolean> {
  return ask({ port }, { path: "/" }).then(
    ({ status }) => status === 200,
    () => false,
  );
}

test("addresses come and go under load, and what stays loses nothing", async (t) => {
  const site = new Site(t);
  const path = join(site.folder, "socket");
  site.bind("127.0.0.1:0");
  const server = await site.start(t);
  const { port } = server;
  const clients = new SteadyClients(port);
  t.after(() => clients.stop());
  site.bind("127.0.0.1:0", "127.0.0.1:0", `unix:${path}`);
  await reload(server);
  const added = await portOf(server, 1);
  await server.logged(/Listening at: unix:/);
  assert.notEqual(added, port);
  assert.ok(await isServed(added));
  assert.equal((await ask({ path }, { path: "/" })).status, 200);
  site.bind("127.0.0.1:0");
  await reload(server);
  await server.logged(/Not listening any more at: unix:/);
  assert.ok(!existsSync(path));
  assert.ok(!(await isServed(added)));
  await clients.stop();
  assert.deepEqual(clients.failures, []);
  await server.stop();
});

test("an address that cannot be had fails the reload, and nothing has changed", async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  t.after(() => other.close());
  await new Promise((resolve) => other.once("listening", resolve));
  const address = other.address();
  const taken = typeof address === "object" ? (address?.port ?? 0) : 0;
  const site = new Site(t);
  site.bind("127.0.0.1:0");
  const server = await site.start(t);
  site.bind(`127.0.0.1:${taken}`, `unix:${join(site.folder, "none", "socket")}`);
  await reload(server, /reload failed: the code that served before keeps serving/g);
  assert.match(server.output, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${taken}: it is in use`));
  assert.match(server.output, /cannot listen on unix:\S*socket: its folder does not exist/);
  assert.ok(await isServed(server.port));
  site.bind("127.0.0.1:0", "127.0.0.1:0");
  await reload(server);
  assert.ok(await isServed(await portOf(server, 1)));
  assert.ok(await isServed(server.port));
  await server.stop();
});

test("an address over one that is given up is opened when that is closed", async (t) => {
  const site = new Site(t);
  site.bind("127.0.0.1:0");
  const server = await site.start(t);
  const { port } = server;
  site.bind(`localhost:${port}`);
  await reload(server);
  await server.logged(/Listening at: http:\/\/localhost:/);
  assert.ok(await isServed(port));
  await server.stop();
});

test("a front that is replaced serves the addresses of the last reload", async (t) => {
  const site = new Site(t);
  site.bind("127.0.0.1:0");
  const server = await site.start(t);
  site.bind("127.0.0.1:0", "127.0.0.1:0");
  await reload(server);
  const added = await portOf(server, 1);
  const [front] = server.tree.fronts;
  assert.ok(front !== undefined);
  process.kill(front, "SIGKILL");
  await server.logged(/front exited/);
  await eventually(10_000, "both addresses are served", async () => {
    return (await isServed(added)) && (await isServed(server.port));
  });
  await server.stop();
});

test("a stop in the middle of such a reload leaves nothing behind", async (t) => {
  const site = new Site(t);
  const path = join(site.folder, "socket");
  site.bind("127.0.0.1:0");
  const server = await site.start(t);
  site.bind("127.0.0.1:0", `unix:${path}`);
  server.signal("SIGHUP");
  await server.logged(/Handling signal: hup/);
  const { output } = await server.stop();
  assert.ok(!existsSync(path), output);
});

test("the server that USR2 started takes the addresses of the last reload, and changes them again", async (t) => {
  const site = new Site(t);
  const pidFile = join(site.folder, "pid");
  const path = join(site.folder, "socket");
  site.bind("127.0.0.1:0");
  const server = await site.start(t, "-p", pidFile);
  site.bind("127.0.0.1:0", `unix:${path}`);
  await reload(server);
  await server.logged(/Listening at: unix:/);
  server.signal("SIGUSR2");
  await server.logged(/Ready at[\s\S]*Ready at/);
  const successor = Number(readFileSync(`${pidFile}.2`, "utf8"));
  server.signal("SIGTERM");
  await eventually(10_000, "the new server alone", () => !existsSync(`${pidFile}.2`));
  assert.equal((await ask({ path }, { path: "/" })).status, 200);
  site.bind("127.0.0.1:0");
  process.kill(successor, "SIGHUP");
  await server.logged(/Not listening any more at: unix:/);
  assert.ok(!existsSync(path));
  assert.ok(await isServed(server.port));
  process.kill(successor, "SIGTERM");
  await server.assertNothingLeft(10_000);
});

test("systemd's sockets stay, whatever the configuration says", async (t) => {
  const site = new Site(t);
  site.bind("127.0.0.1:1");
  const wrapper = [PYTHON, "-c", WITH_SOCKET, "systemd"];
  const server = await startServer(t, ["app"], { cwd: site.folder, wrapper });
  await server.logged(/Ready at/);
  site.bind("127.0.0.1:2");
  await reload(server);
  assert.ok(await isServed(server.port));
  assert.doesNotMatch(server.output, /Not listening/);
  await server.stop();
});

/** A tunicorn.toml with one listener. */
class TomlSite {
  readonly folder: string;

  constructor(owner: Owner) {
    this.folder = temporaryFolder(owner, { "app.py": APP });
  }

  listen(...lines: readonly string[]): void {
    const listener = ["[[listeners]]", 'address = "127.0.0.1:0"', ...lines];
    const rest = ["[apps.main]", 'app = "app"', "workers = 2", "[[routes]]", 'app = "main"'];
    writeFileSync(join(this.folder, "tunicorn.toml"), [...listener, ...rest, ""].join("\n"));
  }

  async start(owner: Owner): Promise<Server> {
    const server = await startServer(owner, [], { cwd: this.folder });
    await server.logged(/Ready at/);
    return server;
  }
}

function tlsLine({ certificate, key }: Issued): string {
  return `tls = { certificate = "${certificate}", key = "${key}" }`;
}

/** The name in the certificate that is shown there. */
function nameShown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

/** Connects again and again, and says nothing. */
class Callers {
  readonly #failures: string[] = [];
  readonly #calling: Promise<void>;
  #isStopped = false;

  constructor(port: number) {
    this.#calling = this.#call(port);
  }

  async stop(): Promise<readonly string[]> {
    this.#isStopped = true;
    await this.#calling;
    return this.#failures;
  }

  async #call(port: number): Promise<void> {
    while (!this.#isStopped) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => socket.destroy());
        socket.on("error", (error) => this.#failures.push(error.message));
        socket.on("close", () => resolve());
      });
    }
  }
}

test("a listener turns to TLS, to another certificate and back, and refuses nobody", {
  skip: NO_OPENSSL,
}, async (t) => {
  const authority = new Authority(t);
  const [first, second] = ["a.localhost", "b.localhost"].map((name) => authority.issue({ names: [name] }));
  assert.ok(first !== undefined && second !== undefined);
  const site = new TomlSite(t);
  site.listen();
  const server = await site.start(t);
  const { port } = server;
  const callers = new Callers(port);
  t.after(() => callers.stop());
  const early = new RawClient({ port });
  t.after(() => early.destroy());
  early.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await early.until(/bytes$/);
  site.listen(tlsLine(first));
  await reload(server, /Listening at: https:/g);
  assert.equal(await nameShown(port), "a.localhost");
  early.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await early.until(/bytes[\s\S]*bytes$/);
  site.listen(tlsLine(second));
  await reload(server);
  await eventually(5_000, "the other certificate", async () => (await nameShown(port)) === "b.localhost");
  site.listen(tlsLine({ certificate: first.certificate, key: second.key }));
  await reload(server, /reload failed: the configuration cannot be used/g);
  assert.equal(await nameShown(port), "b.localhost");
  site.listen();
  await reload(server, /Listening at: http:/g);
  assert.ok(await isServed(port));
  assert.deepEqual(await callers.stop(), []);
  await server.stop();
});
