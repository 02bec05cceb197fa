// Clients that read slowly, or not at all, and one sync worker: it must be free for the others.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readlinkSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { type Server, startServer } from "../harness/server.ts";
import { eventually } from "../harness/wait.ts";

const MB = 1_048_576;
const SIZE_MB = 50;

test("a worker whose client does not read a large response serves the next one at once", async (t) => {
  const server = await startServer(t, ["-w", "1", "-k", "sync", "-b", "127.0.0.1:0", "responses:app"]);
  const clients = ["", "&length=1", "&length=1"].map((length) => {
    const client = new LazyClient(server.port, `/large?mb=${SIZE_MB}${length}`);
    t.after(() => client.destroy());
    return client;
  });
  await Promise.all(clients.map((client) => client.begun));
  const hello = await ask(server.endpoint, { path: "/hello", deadlineMs: 10_000 });
  assert.equal(hello.body, "hello");
  assert.ok(spillFiles(server).length >= 1, "what the clients did not read is on disk");

  await t.test("and they still get every byte", async () => {
    const [chunked, known] = clients;
    known?.read();
    assert.equal(await known?.bodyHash(), expectedHash());
    chunked?.read();
    await chunked?.ended;
    assert.ok((chunked?.bytes ?? 0) > SIZE_MB * MB);
  });

  await t.test("and one that leaves takes its file with it", async () => {
    for (const client of clients) client.destroy();
    await eventually(5_000, "no file is left", () => spillFiles(server).length === 0);
  });
});

test("a gthread worker's event stream is not held back for a client that reads slowly, nor is it written to disk", async (t) => {
  const args = ["-w", "1", "-k", "gthread", "--threads", "2", "-b", "127.0.0.1:0", "responses:app"];
  const server = await startServer(t, args);
  const client = new LazyClient(server.port, "/flood");
  t.after(() => client.destroy());
  await client.begun;
  const held = await eventually(10_000, "the application waits for its client", async () => {
    const first = Number((await ask(server.endpoint, { path: "/flooded" })).body);
    const second = Number((await ask(server.endpoint, { path: "/flooded" })).body);
    return first > 0 && first === second && first;
  });
  assert.ok(held < 100_000_000);
  assert.deepEqual(spillFiles(server), []);
  client.destroy(); // else the server's stop would wait for the stream
});

/** Asks, and reads nothing but the first bytes until it is told. */
class LazyClient {
  readonly begun: Promise<void>;
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  readonly #hash = createHash("sha256");
  #head = "";
  bytes = 0;

  constructor(port: number, path: string) {
    const socket = connect(port, "127.0.0.1");
    this.#socket = socket;
    socket.on("error", () => {}); // a test that ends early resets it
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    this.ended = new Promise((resolve) => socket.on("close", () => resolve()));
    this.begun = new Promise((resolve) => {
      socket.once("data", (bytes: Buffer) => {
        socket.pause();
        socket.on("data", (more: Buffer) => this.#take(more));
        this.#take(bytes);
        resolve();
      });
    });
  }

  #take(bytes: Buffer): void {
    this.bytes += bytes.length;
    const at = this.#head.endsWith("\r\n\r\n") ? 0 : this.#takeHead(bytes);
    this.#hash.update(bytes.subarray(at));
  }

  #takeHead(bytes: Buffer): number {
    const end = bytes.indexOf("\r\n\r\n");
    assert.ok(end > 0, "a head comes in one piece");
    this.#head = bytes.toString("latin1", 0, end + 4);
    return end + 4;
  }

  read(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Of a body with a length. */
  async bodyHash(): Promise<string> {
    await this.ended;
    return this.#hash.digest("hex");
  }
}

function expectedHash(): string {
  const hash = createHash("sha256");
  const piece = Buffer.concat(
    Array.from({ length: 256 }, () => Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i))),
  );
  for (let i = 0; i < SIZE_MB * 16; i++) hash.update(piece);
  return hash.digest("hex");
}

/** Files without a name that the server's processes hold open. */
function spillFiles(server: Server): string[] {
  const { fronts } = server.tree;
  return fronts.flatMap((pid) =>
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
        return /\/response-\d+-\d+ \(deleted\)$/.test(target) ? [target] : [];
      } catch {
        return []; // closed meanwhile
      }
    }),
  );
}
