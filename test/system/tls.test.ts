// TLS as users meet it: curl, openssl and Python's ssl against the program, certificates that change while it serves, and what is
// said when they are no good.

import assert from "node:assert/strict";
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { chmodSync, copyFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { type TestContext, test } from "node:test";
import { connect } from "node:tls";
import { Authority, type Issued, NO_OPENSSL } from "../harness/certificates.ts";
import { ask, exchangeRaw } from "../harness/http-client.ts";
import { runClient } from "../harness/python-client.ts";
import { runTunicorn, type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually, within } from "../harness/wait.ts";

const OPTIONS = { skip: NO_OPENSSL };
const BIND = ["-b", "127.0.0.1:0"];

function words({ certificate, key }: Issued): string[] {
  return ["--certfile", certificate, "--keyfile", key];
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The client's answer, where it is an object of the application's. */
async function seenBy(
  server: Server,
  path: string,
  ...files: readonly string[]
): Promise<Record<string, unknown>> {
  const url = `https://localhost:${server.port}${path}`;
  const answer = (await runClient("tls_client", url, ...files)) as Answer; // test/clients/tls_client.py prints it
  assert.equal(answer.status, 200);
  return JSON.parse(answer.text);
}

/** The name in the certificate that a new client is shown. */
function shownName(port: number, servername = "localhost"): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
  socket.on("error", reject);
  socket.on("secureConnect", () => resolve(String(socket.getPeerCertificate().subject.CN)));
  return within(10_000, "a handshake", promise).finally(() => socket.destroy());
}

function curl(...args: readonly string[]): string {
  return execFileSync("curl", ["-sS", "--max-time", "10", ...args], { encoding: "utf8" });
}

test(
  "a WSGI application is told of TLS and of the client's certificate, and no field forges it",
  OPTIONS,
  async (t) => {
    const authority = new Authority(t);
    const client = authority.issue({ names: ["alice"], subject: "/O=Example/CN=alice" });
    const mutual = ["--ca-certs", authority.certificate, "--cert-reqs", "1"];
    const issued = authority.issue({ names: ["localhost"] });
    const server = await startServer(t, [...BIND, ...words(issued), ...mutual, "plain"]);
    const known = await seenBy(server, "/environ", authority.certificate, client.certificate, client.key);
    assert.equal(known["wsgi.url_scheme"], "https");
    assert.equal(known["HTTPS"], "on");
    assert.match(String(known["SSL_PROTOCOL"]), /^TLSv1\.[23]$/);
    assert.match(String(known["SSL_CIPHER"]), /AES|CHACHA/);
    assert.equal(known["SSL_TLS_SNI"], "localhost");
    assert.equal(known["SSL_CLIENT_VERIFY"], "SUCCESS");
    assert.equal(known["SSL_CLIENT_S_DN"], "CN=alice,O=Example");
    assert.equal(known["SSL_CLIENT_I_DN"], "CN=Test Authority");
    assert.equal(known["SSL_CLIENT_M_SERIAL"], "AB01");
    assert.match(String(known["SSL_CLIENT_CERT"]), /^-----BEGIN CERTIFICATE-----/);
    const stranger = await seenBy(server, "/environ", authority.certificate);
    assert.equal(stranger["SSL_CLIENT_VERIFY"], "NONE");
    assert.equal(stranger["SSL_CLIENT_S_DN"], undefined);
    assert.equal(stranger["HTTPS"], "on");
  },
);

test("an ASGI application gets the extension tls", OPTIONS, async (t) => {
  const authority = new Authority(t);
  const client = authority.issue({ names: ["alice"], subject: "/O=Example/CN=alice" });
  const issued = authority.issue({ names: ["localhost"] });
  const uvicorns = ["--ssl-certfile", issued.certificate, "--ssl-keyfile", issued.key];
  const mutual = ["--ssl-ca-certs", authority.certificate, "--ssl-cert-reqs", "2"];
  const server = await startServer(t, ["asgi.plain:app", "--port", "0", ...uvicorns, ...mutual]);
  const scope = await seenBy(server, "/scope", authority.certificate, client.certificate, client.key);
  assert.equal(scope["scheme"], "https");
  const { tls } = scope["extensions"] as Record<string, Record<string, unknown>>; // ASGI says so
  assert.equal(tls?.["client_cert_name"], "CN=alice,O=Example");
  assert.equal(tls?.["client_cert_error"], null);
  assert.ok(tls?.["tls_version"] === 0x0304 || tls?.["tls_version"] === 0x0303);
  assert.equal(typeof tls?.["cipher_suite"], "number");
  assert.match(String(tls?.["server_cert"]), /^-----BEGIN CERTIFICATE-----/);
  assert.match(String(tls?.["client_cert_chain"]), /-----BEGIN CERTIFICATE-----/);
  assert.throws(() => curl("--cacert", authority.certificate, `https://localhost:${server.port}/`));
});

test("curl gets answers, plain HTTP an explanation, and http is redirected", OPTIONS, async (t) => {
  const authority = new Authority(t);
  const issued = authority.issue({ names: ["localhost"] });
  const edge = ["--https-redirect", "127.0.0.1:0", "--hsts", "3600"];
  const server = await startServer(t, [...BIND, ...words(issued), ...edge, "plain"]);
  await server.logged(/istening[^\n]*http:/);
  const [, plain] = server.endpoints;
  assert.ok(plain !== undefined && "port" in plain);
  const url = `https://localhost:${server.port}/hello`;
  const answer = curl("-i", "--cacert", authority.certificate, url);
  assert.match(answer, /^HTTP\/(1\.1|2) 200/);
  assert.match(answer, /strict-transport-security: max-age=3600\r/i);
  assert.match(answer, /Hello, world!\n$/);
  assert.match(curl("-i", `http://localhost:${server.port}/`), /^HTTP\/1\.1 400 [\s\S]*speaks HTTPS/);
  const redirected = curl("-i", "-H", "Host: localhost:80", `http://localhost:${plain.port}/a?b=c`);
  assert.match(redirected, /^HTTP\/1\.1 301 [\s\S]*Location: https:\/\/localhost\/a\?b=c\r/);
  assert.doesNotMatch(redirected, /strict-transport/i);
  assert.match(curl("-i", "-d", "x=1", `http://localhost:${plain.port}/`), /^HTTP\/1\.1 308 /);
});

test(
  "openssl s_client finds TLS 1.2 and 1.3, resumes sessions, and sees the connection closed properly",
  OPTIONS,
  async (t) => {
    const authority = new Authority(t);
    const server = await startServer(t, [
      ...BIND,
      ...words(authority.issue({ names: ["localhost"] })),
      "plain",
    ]);
    const tickets = join(authority.folder, "session");
    const ask = (...args: readonly string[]): Promise<string> =>
      sClient(server.port, ["-CAfile", authority.certificate, "-verify_return_error", ...args]);
    assert.match(await ask("-tls1_3", "-sess_out", tickets), /Hello, world!\n[\s\S]*closed/);
    assert.match(await ask("-tls1_3", "-sess_in", tickets), /Reused, TLSv1\.3[\s\S]*Hello, world!/);
    const old = await ask("-tls1_2");
    assert.match(old, /Protocol *: TLSv1\.2[\s\S]*Hello, world!/);
    assert.match(old, /Verify return code: 0 \(ok\)/);
    assert.doesNotMatch(await ask("-tls1_1"), /Hello/);
  },
);

/** Asks for /hello once the handshake is done; everything that openssl wrote. */
async function sClient(port: number, args: readonly string[]): Promise<string> {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(
    "openssl",
    ["s_client", "-connect", `127.0.0.1:${port}`, "-servername", "localhost", "-ign_eof", ...args],
    { stdio: ["pipe", "pipe", "pipe"] },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes: Buffer) => {
      output += bytes.toString("latin1");
    });
  }
  child.stdin.on("error", () => {}); // it ended before it read everything
  child.stdin.write("GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  try {
    await within(15_000, "openssl s_client", new Promise((resolve) => child.once("close", resolve)));
  } finally {
    child.kill("SIGKILL");
  }
  return output;
}

test("certificates are read again when their files change, and no request fails", OPTIONS, async (t) => {
  const authority = new Authority(t);
  const folder = temporaryFolder(t);
  const place = { certificate: join(folder, "tls.crt"), key: join(folder, "tls.key") };
  const put = (issued: Issued): void => {
    for (const kind of ["certificate", "key"] as const) {
      copyFileSync(issued[kind], `${place[kind]}.new`);
      renameSync(`${place[kind]}.new`, place[kind]);
    }
  };
  put(authority.issue({ names: ["before.test", "localhost"] }));
  const server = await startServer(t, [...BIND, ...words(place), "--fronts", "2", "-w", "2", "plain"]);
  const load = new TlsLoad(server.port);
  await eventually(10_000, "answers", () => load.answered > 50);
  put(authority.issue({ names: ["after.test", "localhost"] }));
  await server.logged(/certificates read again/);
  const isShown = async (name: string): Promise<boolean> => {
    const names = await Promise.all(Array.from({ length: 6 }, () => shownName(server.port)));
    return names.every((shown) => shown === name);
  };
  await eventually(10_000, "the new certificate", () => isShown("after.test"));
  put(authority.issue({ names: ["third.test", "localhost"] }));
  server.signal("SIGHUP");
  await eventually(10_000, "the third certificate", () => isShown("third.test"));
  rmSync(place.key);
  await server.logged(
    /tls\.key cannot be read: there is no such file; the certificate that was read before stays/,
  );
  assert.equal(await shownName(server.port), "third.test");
  assert.deepEqual(await load.stop(), []);
  await server.stop();
});

/** Clients that ask again and again: one keeps its connection, others make a new one for each request. */
class TlsLoad {
  answered = 0;
  readonly #failures: string[] = [];
  readonly #running: Promise<void>[];
  #isStopped = false;

  constructor(port: number) {
    const agents = [new Agent({ keepAlive: true, maxSockets: 1 }), undefined, undefined];
    this.#running = agents.map((agent) => this.#client(port, agent ?? false));
  }

  async stop(): Promise<string[]> {
    this.#isStopped = true;
    await Promise.all(this.#running);
    return this.#failures;
  }

  async #client(port: number, agent: Agent | false): Promise<void> {
    while (!this.#isStopped)
      await this.#ask(port, agent).catch((error) => this.#failures.push(String(error)));
    if (agent !== false) agent.destroy();
  }

  #ask(port: number, agent: Agent | false): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const options = { host: "127.0.0.1", port, path: "/hello", agent, rejectUnauthorized: false };
    const asking = request(options, (response) => {
      response.resume();
      response.on("error", reject);
      response.on("end", () => {
        this.answered++;
        if (response.statusCode !== 200) this.#failures.push(`status ${response.statusCode}`);
        resolve();
      });
    });
    asking.on("error", reject);
    asking.end();
    return within(10_000, "an answer", promise);
  }
}

test(
  "a server does not start with certificates that are no good, and tells of all of them",
  OPTIONS,
  async (t) => {
    const authority = new Authority(t);
    const [one, other] = [authority.issue({ names: ["a.test"] }), authority.issue({ names: ["b.test"] })];
    const further = ["--tls-certificate", `${other.certificate},/nowhere/b.key`];
    const args = [...BIND, ...words({ ...one, key: other.key }), ...further, "plain"];
    for (const more of [[], ["--check-config"]]) {
      const { code, output } = await runTunicorn(t, [...args, ...more]);
      assert.equal(code, 1);
      assert.match(output, new RegExp(`private key ${other.key} does not belong`));
      assert.match(output, /private key \/nowhere\/b\.key cannot be read: there is no such file/);
      assert.doesNotMatch(output, /istening/);
    }
  },
);

test("an expired certificate is shown all the same, with a warning", OPTIONS, async (t) => {
  const issued = new Authority(t).issue({ names: ["localhost"], days: -1 });
  const server = await startServer(t, [...BIND, ...words(issued), "plain"]);
  assert.match(server.output, /WARNING[^\n]*expired on [^\n]*renew it/);
  assert.equal(await shownName(server.port), "localhost");
});

test("the key may be readable for root alone", {
  skip: NO_OPENSSL || process.getuid?.() !== 0,
}, async (t) => {
  const issued = new Authority(t).issue({ names: ["localhost"] });
  chmodSync(issued.key, 0o600);
  // A virtual environment may lie where only root can read.
  const other = ["--python", "/usr/bin/python3", "-u", "54321"];
  const server = await startServer(t, [...BIND, ...words(issued), ...other, "plain"]);
  assert.equal(await shownName(server.port), "localhost");
});

test("garbage on a TLS port changes nothing for others", OPTIONS, async (t) => {
  const issued = new Authority(t).issue({ names: ["localhost"] });
  const server = await startServer(t, [
    ...BIND,
    ...words(issued),
    "--log-level",
    "debug",
    "--tls-handshake-timeout",
    "1",
    "plain",
  ]);
  for (const garbage of ["\x16\x03\x01\x02\x00\x01", "SSH-2.0-x\r\n", "\xff".repeat(5_000)]) {
    await exchangeRaw(server.endpoint, garbage).catch(() => "reset");
  }
  assert.equal(await shownName(server.port), "localhost");
  await server.logged(/TLS handshake/);
});

test("a configuration file turns every address to TLS, as with gunicorn", OPTIONS, async (t: TestContext) => {
  const folder = temporaryFolder(t);
  const issued = new Authority(t).issue({ names: ["localhost"] });
  const file = join(folder, "tunicorn.conf.py");
  writeFileSync(
    file,
    `certfile = "${issued.certificate}"\nkeyfile = "${issued.key}"\nbind = ["127.0.0.1:0", "127.0.0.1:0"]\n`,
  );
  const server = await startServer(t, ["-c", file, "plain"]);
  await server.logged(/istening[\s\S]*istening/);
  for (const endpoint of server.endpoints) {
    assert.ok("port" in endpoint);
    assert.equal(await shownName(endpoint.port), "localhost");
    assert.equal((await ask(endpoint)).status, 400);
  }
});
