import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { TLSSocket } from "node:tls";
import { Authority, materialOf, NO_OPENSSL, tlsConfig } from "../../harness/certificates.ts";
import { ask, runTlsFront, type TlsFront, untilClosed } from "../../harness/tls-front.ts";
import { eventually } from "../../harness/wait.ts";

const OPTIONS = { skip: NO_OPENSSL };

function shownName(socket: TLSSocket): string {
  return String(socket.getPeerCertificate().subject.CN);
}

async function failureOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "";
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException; // a socket's errors are such
    return code ?? message;
  }
}

/** The code that a front logged at level debug is not kept; that it said so is. */
function said(front: TlsFront, event: string): boolean {
  return front.log.lines.some((line) => line.endsWith(event));
}

describe("a listener with TLS", OPTIONS, () => {
  it("answers requests, and says that it was TLS 1.3", async (t) => {
    const issued = [new Authority(t).issue({ names: ["localhost"] })];
    const front = await runTlsFront(t, { tls: tlsConfig(issued), material: materialOf(issued) });
    const socket = await front.connect({ servername: "LocalHost" });
    assert.equal(socket.getProtocol(), "TLSv1.3");
    const held = ask(socket, "/hold");
    const exchange = await eventually(5_000, "a request", () => front.handler.held[0]);
    const { tls, isTls } = exchange.peer;
    assert.equal(isTls, true);
    assert.equal(tls?.version, "TLSv1.3");
    assert.match(tls?.cipher ?? "", /^TLS_AES_/);
    assert.equal(tls?.serverName, "localhost");
    assert.match(tls?.serverCertificate ?? "", /^-----BEGIN CERTIFICATE-----/);
    assert.equal(tls?.client, undefined);
    exchange.response.abort("app-aborted", 500, "");
    assert.match(await held, /^HTTP\/1\.1 500 /);
  });

  it("is vouched for by its authority", async (t) => {
    const authority = new Authority(t);
    const issued = [authority.issue({ names: ["localhost"] })];
    const front = await runTlsFront(t, { tls: tlsConfig(issued), material: materialOf(issued) });
    const ca = readFileSync(authority.certificate);
    const socket = await front.connect({ ca, rejectUnauthorized: true, servername: "localhost" });
    assert.equal(socket.authorized, true);
    assert.match(await ask(socket, "/x"), /hello \/x$/);
  });

  it("speaks TLS 1.2 as well, and nothing older", async (t) => {
    const issued = [new Authority(t).issue({ names: ["localhost"] })];
    const front = await runTlsFront(t, { tls: tlsConfig(issued), material: materialOf(issued) });
    assert.match(await ask(await front.connect({ maxVersion: "TLSv1.2" }), "/x"), /hello \/x$/);
    const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    assert.notEqual(await failureOf(front.connect(old)), "");
  });

  it("shows the certificate of the name that the client asks for, whatever its case", async (t) => {
    const authority = new Authority(t);
    const issued = [
      authority.issue({ names: ["first.test"] }),
      authority.issue({ names: ["second.test", "other.test"] }),
      authority.issue({ names: ["*.wild.test"] }),
    ];
    const front = await runTlsFront(t, { tls: tlsConfig(issued), material: materialOf(issued) });
    const shown = async (servername: string): Promise<string> =>
      shownName(await front.connect({ servername, checkServerIdentity: () => undefined }));
    assert.equal(await shown("second.test"), "second.test");
    assert.equal(await shown("OTHER.Test"), "second.test");
    assert.equal(await shown("a.wild.test"), "*.wild.test");
    assert.equal(await shown("a.b.wild.test"), "first.test");
    assert.equal(await shown("nobody.test"), "first.test");
    assert.equal(shownName(await front.connect()), "first.test");
  });

  it("takes garbage for a name as no name", async (t) => {
    const authority = new Authority(t);
    const issued = [authority.issue({ names: ["a.test"] }), authority.issue({ names: ["b.test"] })];
    const front = await runTlsFront(t, { tls: tlsConfig(issued), material: materialOf(issued) });
    for (const servername of ["*.test", ".", "%00%0d%0a", "__proto__", "constructor", "x".repeat(255)]) {
      const socket = await front.connect({ servername, checkServerIdentity: () => undefined });
      assert.equal(shownName(socket), "a.test", servername);
      assert.match(await ask(socket), /hello/);
    }
  });

  it("resumes sessions, and not with other keys", async (t) => {
    const issued = [new Authority(t).issue({ names: ["localhost"] })];
    const material = materialOf(issued);
    const front = await runTlsFront(t, { tls: tlsConfig(issued), material });
    const session = await new Promise<Buffer>((resolve, reject) => {
      front.connect({ maxVersion: "TLSv1.2" }).then((socket) => {
        const ticket = socket.getSession();
        if (ticket === undefined) reject(new Error("no session"));
        else resolve(ticket);
      }, reject);
    });
    const again = await front.connect({ maxVersion: "TLSv1.2", session });
    assert.equal(again.isSessionReused(), true);
    front.front.renewTls(0, { ...material, ticketKeys: Buffer.alloc(48, 2).toString("base64") });
    const later = await front.connect({ maxVersion: "TLSv1.2", session });
    assert.equal(later.isSessionReused(), false);
  });

  it("agrees upon http/1.1 by ALPN, and refuses who speaks only something else", async (t) => {
    const issued = [new Authority(t).issue({ names: ["localhost"] })];
    const front = await runTlsFront(t, { tls: tlsConfig(issued), material: materialOf(issued) });
    const socket = await front.connect({ ALPNProtocols: ["spdy/3", "http/1.1"] });
    assert.equal(socket.alpnProtocol, "http/1.1");
    assert.match(
      await failureOf(front.connect({ ALPNProtocols: ["spdy/3"] })),
      /ALERT_NO_APPLICATION_PROTOCOL/,
    );
  });

  it("tells who speaks plain HTTP to it, in plain HTTP", async (t) => {
    const issued = [new Authority(t).issue({ names: ["localhost"] })];
    const front = await runTlsFront(t, { tls: tlsConfig(issued), material: materialOf(issued) });
    for (const method of ["GET", "POST", "HEAD", "PUT"]) {
      const socket = front.raw();
      socket.write(`${method} / HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      assert.match(await untilClosed(socket), /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*speaks HTTPS/, method);
    }
    assert.equal(front.handler.seen.length, 0);
  });

  it("closes on who sends garbage, and goes on", async (t) => {
    const issued = [new Authority(t).issue({ names: ["localhost"] })];
    const front = await runTlsFront(t, { tls: tlsConfig(issued), material: materialOf(issued) });
    for (const garbage of [
      "\x16\x03\x01\xff\xff".repeat(50),
      "SSH-2.0-x\r\n",
      "\0".repeat(600),
      "\x80\x2e\x01",
    ]) {
      const socket = front.raw();
      socket.end(garbage, "latin1");
      await untilClosed(socket);
    }
    await eventually(5_000, "all clients to be gone", () => front.front.counters.connectionsOpen === 0);
    assert.equal(front.front.counters.tlsHandshakes, 4);
    assert.match(await ask(await front.connect(), "/x"), /hello \/x$/);
  });

  it("gives a client so long for its handshake", async (t) => {
    const issued = [new Authority(t).issue({ names: ["localhost"] })];
    const tls = tlsConfig(issued, { handshakeTimeoutMs: 3_000 });
    const front = await runTlsFront(t, { tls, material: materialOf(issued) });
    const silent = front.raw();
    const half = front.raw();
    half.write(Buffer.from("160301020001", "hex")); // the beginning of a ClientHello
    await eventually(5_000, "both to be there", () => front.front.counters.tlsHandshakes === 2);
    front.clock.advance(3_500);
    await Promise.all([untilClosed(silent), untilClosed(half)]);
    assert.ok(said(front, "the TLS handshake took too long"));
    await eventually(5_000, "nobody to be left", () => front.front.counters.connectionsOpen === 0);
  });

  it("lets who has been slow make room for who comes, and else turns away who comes", async (t) => {
    const issued = [new Authority(t).issue({ names: ["localhost"] })];
    const front = await runTlsFront(t, {
      tls: tlsConfig(issued),
      material: materialOf(issued),
      config: { tlsHandshakesMax: 1 },
    });
    const first = front.raw();
    await eventually(5_000, "the first to be there", () => front.front.counters.tlsHandshakes === 1);
    await untilClosed(front.raw());
    assert.equal(front.front.counters.connectionsRefused, 1);
    front.clock.advance(1_500);
    const socket = await front.connect();
    assert.match(await ask(socket, "/x"), /hello \/x$/);
    await untilClosed(first);
  });

  it("ends connections with TLS's own goodbye, and takes none from clients", async (t) => {
    const issued = [new Authority(t).issue({ names: ["localhost"] })];
    const front = await runTlsFront(t, { tls: tlsConfig(issued), material: materialOf(issued) });
    const polite = await front.connect();
    const ended = new Promise((resolve) => polite.once("end", resolve));
    void ask(polite);
    await ended; // close_notify: a bare end would be an error or nothing
    const ragged = front.raw();
    const socket = await front.connect({ socket: ragged });
    socket.write("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    ragged.end();
    await eventually(5_000, "both to be gone", () => front.front.counters.connectionsOpen === 0);
    assert.deepEqual(
      front.log.lines.filter((line) => !line.startsWith("debug")),
      [],
    );
  });

  it("answers a client that closed its sending side after its request", async (t) => {
    const issued = [new Authority(t).issue({ names: ["localhost"] })];
    const front = await runTlsFront(t, { tls: tlsConfig(issued), material: materialOf(issued) });
    const socket = await front.connect({ allowHalfOpen: true } as object);
    const received = untilClosed(socket);
    socket.end("GET /late HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.match(await received, /hello \/late/);
  });

  it("passes large bodies both ways", async (t) => {
    const issued = [new Authority(t).issue({ names: ["localhost"] })];
    const front = await runTlsFront(t, { tls: tlsConfig(issued), material: materialOf(issued) });
    const body = "0123456789abcdef".repeat(60_000);
    const socket = await front.connect();
    const received = untilClosed(socket);
    socket.write(
      `POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    socket.write(body);
    const answer = await received;
    assert.ok(answer.endsWith(body), `${answer.length} bytes`);
  });

  it("shows other certificates to those who come after a renewal, and keeps who is there", async (t) => {
    const authority = new Authority(t);
    const before = [authority.issue({ names: ["before.test"] })];
    const after = [authority.issue({ names: ["after.test"] })];
    const front = await runTlsFront(t, { tls: tlsConfig(before), material: materialOf(before) });
    const early = await front.connect();
    front.front.renewTls(0, materialOf(after));
    assert.equal(shownName(await front.connect()), "after.test");
    assert.equal(shownName(early), "before.test");
    assert.match(await ask(early, "/x"), /hello \/x$/);
  });

  it("keeps what it has when new certificates are no good", async (t) => {
    const authority = new Authority(t);
    const [one, other] = [authority.issue({ names: ["a.test"] }), authority.issue({ names: ["b.test"] })];
    const front = await runTlsFront(t, { tls: tlsConfig([one]), material: materialOf([one]) });
    const wrong = materialOf([{ certificate: one.certificate, key: other.key }]);
    assert.throws(() => front.front.renewTls(0, wrong), /mismatch/);
    assert.equal(shownName(await front.connect()), "a.test");
  });

  it("drains: who is at its handshake still gets an answer", async (t) => {
    const issued = [new Authority(t).issue({ names: ["localhost"] })];
    const front = await runTlsFront(t, { tls: tlsConfig(issued), material: materialOf(issued) });
    const raw = front.raw();
    await eventually(5_000, "the client to be there", () => front.front.counters.tlsHandshakes === 1);
    const drained = front.front.drain(5_000);
    const socket = await front.connect({ socket: raw });
    const received = untilClosed(socket);
    socket.write("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.match(await received, /Connection: close\r\n[\s\S]*hello \/x$/);
    await drained;
  });

  it("sends Strict-Transport-Security where it is asked to", async (t) => {
    const issued = [new Authority(t).issue({ names: ["localhost"] })];
    const options = { tls: tlsConfig(issued), material: materialOf(issued) };
    const front = await runTlsFront(t, { ...options, config: { hsts: "max-age=60" } });
    assert.match(await ask(await front.connect()), /\r\nStrict-Transport-Security: max-age=60\r\n/);
    const without = await runTlsFront(t, options);
    assert.doesNotMatch(await ask(await without.connect()), /Strict-Transport/);
  });
});

describe("clients' certificates", OPTIONS, () => {
  async function front(t: Parameters<typeof runTlsFront>[0], demand: "optional" | "required") {
    const authority = new Authority(t);
    const issued = [authority.issue({ names: ["localhost"] })];
    const tls = tlsConfig(issued, { clientCertificate: demand, clientCa: authority.certificate });
    const running = await runTlsFront(t, { tls, material: materialOf(issued, authority) });
    const client = authority.issue({ names: ["alice"], subject: "/C=DE/O=Ex, Inc/CN=alice" });
    return { running, client, authority };
  }

  const pem = ({ certificate, key }: { certificate: string; key: string }) => ({
    cert: readFileSync(certificate),
    key: readFileSync(key),
  });

  for (const demand of ["optional", "required"] as const) {
    it(`are told of, where they are ${demand}`, async (t) => {
      const { running, client } = await front(t, demand);
      const received = ask(await running.connect(pem(client)), "/hold");
      const exchange = await eventually(5_000, "a request", () => running.handler.held[0]);
      const { subject, issuer, serial, error, chain } = exchange.peer.tls?.client ?? {};
      assert.equal(subject, "CN=alice,O=Ex\\, Inc,C=DE");
      assert.equal(issuer, "CN=Test Authority");
      assert.equal(serial, "AB02");
      assert.equal(error, "");
      assert.match(chain?.[0] ?? "", /BEGIN CERTIFICATE/);
      exchange.response.abort("app-aborted", 500, "");
      await received;
    });

    it(`are refused when somebody else has signed them, where they are ${demand}`, async (t) => {
      const { running } = await front(t, demand);
      const stranger = new Authority(t, "Other Authority").issue({ names: ["mallory"] });
      const answer = await ask(await running.connect(pem(stranger)));
      assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*certificate was not accepted: unable to/);
      assert.equal(running.handler.seen.length, 0);
      assert.ok(running.log.lines.includes("info client certificate refused"));
    });

    it(`are refused when they have expired, where they are ${demand}`, async (t) => {
      const { running, authority } = await front(t, demand);
      const expired = authority.issue({ names: ["late"], days: -1 });
      assert.match(await ask(await running.connect(pem(expired))), /^HTTP\/1\.1 400 [\s\S]*expired/);
      assert.equal(running.handler.seen.length, 0);
    });
  }

  it("may be missing where they are optional", async (t) => {
    const { running } = await front(t, "optional");
    assert.match(await ask(await running.connect(), "/x"), /hello \/x$/);
  });

  it("may not be missing where they are required", async (t) => {
    const { running } = await front(t, "required");
    assert.match(await failureOf(running.connect({ maxVersion: "TLSv1.2" })), /HANDSHAKE_FAILURE|ECONNRESET/);
    // With TLS 1.3 a client hears of it behind its own end of the handshake.
    const socket = await running.connect();
    assert.equal(await ask(socket), "");
    assert.equal(running.handler.seen.length, 0);
  });
});
