import assert from "node:assert/strict";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type Listener, openListener, openListeners, type Place } from "../../../src/arbiter/listeners.ts";
import { type Address, plainListener } from "../../../src/config/listener.ts";

function placeOf(address: Address, id: number = 0): Place {
  return { id, settings: plainListener(address) };
}

const OWNER = { mode: 0o640, uid: -1, gid: -1, reusePort: false };

async function open(t: TestContext, address: Address): Promise<Listener> {
  const listener = await openListener(placeOf(address), OWNER);
  t.after(() => listener.close());
  return listener;
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "tunicorn-test-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Who is root gives that up meanwhile; the folder is everybody's then. */
async function asNobody(folder: string, act: () => Promise<void>): Promise<void> {
  const { geteuid, seteuid } = process;
  if (geteuid?.() !== 0 || seteuid === undefined) return act();
  chmodSync(folder, 0o777);
  seteuid(65_534);
  try {
    await act();
  } finally {
    seteuid(0);
  }
}

async function serve(t: TestContext, where: string | number): Promise<Server> {
  const server = createServer();
  t.after(() => server.close());
  await new Promise<void>((resolve) => {
    if (typeof where === "string") server.listen(where, resolve);
    else server.listen(where, "127.0.0.1", resolve);
  });
  return server;
}

describe("listeners", () => {
  it("tell the real port of port 0", async (t) => {
    const { served } = await open(t, { kind: "tcp", host: "127.0.0.1", port: 0 });
    assert.ok(served.port > 0);
    assert.equal(served.address, `http://127.0.0.1:${served.port}`);
  });

  it("write IPv6 addresses in brackets", async (t) => {
    const { served } = await open(t, { kind: "tcp", host: "::1", port: 0 });
    assert.equal(served.address, `http://[::1]:${served.port}`);
  });

  it("are found by name", async (t) => {
    const { served } = await open(t, { kind: "tcp", host: "localhost", port: 0 });
    assert.equal(served.address, `http://localhost:${served.port}`);
  });

  it("are inherited by number, as fd://N", async (t) => {
    const first = await open(t, { kind: "tcp", host: "127.0.0.1", port: 0 });
    const [second] = await openListeners([placeOf({ kind: "fd", fd: first.socket.fd })], OWNER);
    assert.equal(second?.served.port, first.served.port);
    assert.equal(second?.served.kind, "tcp");
  });

  it("refuse a descriptor that is no socket, or none at all", async (t) => {
    const file = openSync(import.meta.filename, "r");
    t.after(() => closeSync(file));
    for (const fd of [file, 9_999]) {
      await assert.rejects(openListeners([placeOf({ kind: "fd", fd })], OWNER), { code: "ENOTSOCK" });
    }
  });

  it("say that a port is in use, and leave nothing open", async (t) => {
    const server = await serve(t, 0);
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const path = join(folder(t), "socket");
    const both: Address[] = [
      { kind: "unix", path },
      { kind: "tcp", host: "127.0.0.1", port: address.port },
    ];
    await assert.rejects(openListeners(both.map(placeOf), OWNER), {
      code: "EADDRINUSE",
      isWorthRetrying: true,
      message: /in use/,
    });
    assert.ok(!existsSync(path));
  });

  it("share an address with another server where both say so", async (t) => {
    const other = createServer();
    t.after(() => other.close());
    other.listen({ host: "127.0.0.1", port: 0, reusePort: true });
    await once(other, "listening");
    const bound = other.address();
    assert.ok(typeof bound === "object" && bound !== null);
    const place = placeOf({ kind: "tcp", host: "127.0.0.1", port: bound.port });
    const listener = await openListener(place, { ...OWNER, reusePort: true });
    t.after(() => listener.close());
    assert.equal(listener.served.port, bound.port);
    await assert.rejects(openListener(place, OWNER), { code: "EADDRINUSE" });
  });

  it("say that a host is unknown or foreign", async () => {
    const unknown: Address = { kind: "tcp", host: "no-such-host.invalid", port: 0 };
    await assert.rejects(openListeners([placeOf(unknown)], OWNER), { code: "ENOTFOUND" });
    await assert.rejects(openListeners([placeOf({ kind: "tcp", host: "192.0.2.1", port: 0 })], OWNER), {
      code: "EADDRNOTAVAIL",
    });
  });

  it("make a Unix socket with the mode asked for and remove it at the end", async (t) => {
    const path = join(folder(t), "socket");
    const umask = process.umask();
    const listener = await open(t, { kind: "unix", path });
    assert.equal(statSync(path).mode & 0o777, 0o640);
    assert.equal(process.umask(), umask);
    listener.close();
    listener.close();
    assert.ok(!existsSync(path));
  });

  it("replace a stale Unix socket", async (t) => {
    const path = join(folder(t), "socket");
    const left = await open(t, { kind: "unix", path });
    // Bound and never listened on: as a dead server leaves it.
    const { served } = await open(t, { kind: "unix", path });
    assert.equal(served.address, `unix:${path}`);
    left.close();
    assert.ok(existsSync(path), "whoever comes second owns the file");
  });

  it("do not take a Unix socket from a living server", async (t) => {
    const path = join(folder(t), "socket");
    await serve(t, path);
    await assert.rejects(open(t, { kind: "unix", path }), { code: "EADDRINUSE", isWorthRetrying: false });
    assert.ok(existsSync(path));
  });

  it("do not replace what is no socket", async (t) => {
    const path = join(folder(t), "file");
    writeFileSync(path, "precious");
    chmodSync(path, 0o600);
    await assert.rejects(open(t, { kind: "unix", path }), { code: "ENOTSOCK" });
    assert.equal(statSync(path).size, 8);
  });

  it("say that a folder is missing", async (t) => {
    await assert.rejects(open(t, { kind: "unix", path: join(folder(t), "none", "socket") }), {
      message: /folder/,
    });
  });

  it("say that a Unix socket cannot be given away, and leave nothing behind", async (t) => {
    const path = join(folder(t), "app.sock");
    await asNobody(dirname(path), async () => {
      const refused = openListener(placeOf({ kind: "unix", path }), { ...OWNER, uid: 0, gid: 0 });
      await assert.rejects(refused, { code: "FOREIGN_OWNER", message: /only root can give it/ });
    });
    assert.equal(existsSync(path), false);
  });

  it("may be abstract", { skip: process.platform !== "linux" }, async (t) => {
    const name = `@tunicorn-test-${process.pid}`;
    const { served } = await open(t, { kind: "unix", path: name });
    assert.equal(served.address, `unix:${name}`);
    await assert.rejects(open(t, { kind: "unix", path: name }), { code: "EADDRINUSE" });
  });
});
