import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { Address } from "../../../src/config/listener.ts";
import { Listener } from "../../../src/front/listener.ts";
import { peerOf } from "../../../src/front/peer.ts";
import type { Peer } from "../../../src/http/exchange.ts";
import { MemoryLog } from "../../harness/front-parts.ts";
import { RawClient } from "../../harness/http-client.ts";
import { ManualClock } from "../../harness/manual-clock.ts";
import { within } from "../../harness/wait.ts";

interface Accepting {
  readonly listener: Listener;
  /** The peer of the first client. */
  readonly peer: Promise<Peer>;
}

function listenerAt(t: TestContext, address: Address): Accepting {
  const { promise: peer, resolve } = Promise.withResolvers<Peer>();
  const onSocket = (socket: Socket, unixPath: string | undefined): void => {
    resolve(peerOf(socket, unixPath, ""));
    socket.on("error", () => {}); // the test's client may leave as it likes
    socket.end("bye");
  };
  const listener = new Listener({
    address,
    backlog: 16,
    lends: true,
    clock: new ManualClock(),
    log: new MemoryLog(),
    onSocket,
    onAcceptError: () => {},
  });
  t.after(() => listener.destroy());
  return { listener, peer };
}

describe("listener", () => {
  it("tells the port it got, and both ends of a TCP client", async (t) => {
    const { listener, peer } = listenerAt(t, { kind: "tcp", host: "127.0.0.1", port: 0 });
    await listener.listen();
    const { port } = listener.bound;
    assert.ok(port > 0);
    assert.equal(await new RawClient({ port }).untilClosed(), "bye");
    const { remoteAddress, localAddress, localPort, isUnix } = await peer;
    assert.deepEqual(
      [remoteAddress, localAddress, localPort, isUnix],
      ["127.0.0.1", "127.0.0.1", port, false],
    );
  });

  it("knows an IPv4 client of a dual-stack socket by its IPv4 address", async (t) => {
    const { listener, peer } = listenerAt(t, { kind: "tcp", host: "::ffff:127.0.0.1", port: 0 });
    await listener.listen();
    await new RawClient({ port: listener.bound.port }).untilClosed();
    assert.equal((await peer).remoteAddress, "127.0.0.1");
  });

  it("serves a Unix socket, whose clients have no address", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "front-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "s");
    const { listener, peer } = listenerAt(t, { kind: "unix", path });
    await listener.listen();
    await new RawClient({ path }).untilClosed();
    const { remoteAddress, localAddress, isUnix } = await peer;
    assert.deepEqual([remoteAddress, localAddress, isUnix], ["", path, true]);
  });

  it("rejects with the system's error when the address is taken", async (t) => {
    const holder = createServer().listen(0, "127.0.0.1");
    t.after(() => holder.close());
    await new Promise((resolve) => holder.once("listening", resolve));
    const { port } = holder.address() as AddressInfo;
    const { listener } = listenerAt(t, { kind: "tcp", host: "127.0.0.1", port });
    await assert.rejects(listener.listen(), { code: "EADDRINUSE" });
  });

  it("closes twice without harm", async (t) => {
    const { listener } = listenerAt(t, { kind: "tcp", host: "127.0.0.1", port: 0 });
    await listener.listen();
    await within(5_000, "closed", Promise.all([listener.close(), listener.close()]));
    listener.destroy();
  });
});
