// Hostile clients of HTTP/2 against the whole program: what each may do is bounded, the front's memory stays flat, no process dies, and
// a neighbour is served meanwhile.

import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { type TestContext, test } from "node:test";
import * as F from "../../src/h2/frames.ts";
import { frame, H2Client, headerBlock, request } from "../harness/h2-client.ts";
import { proportionalKib } from "../harness/process-tree.ts";
import { type Server, startServer } from "../harness/server.ts";
import { eventually, within } from "../harness/wait.ts";

const GROWTH_KIB_MAX = 40_000;
const CONNECTIONS = 10;
const STREAMS = 100;
/** More than a worker may send before its client takes some; as much as the front holds in memory (--response-buffer). */
const LARGE = "/big?n=1000000";
const SMALL = "/big?n=5000";

const path = (value: string): string => headerBlock(request({ ":path": value }));
const HELLO = path("/hello");
const POST = headerBlock(request({ ":method": "POST", ":path": "/length" }));
const WHOLE = F.END_STREAM | F.END_HEADERS;
const PING = frame(F.PING, 0, 0, "12345678");

async function start(t: TestContext): Promise<Server> {
  const words = ["--http2-cleartext", "prior-knowledge", "-w", "1", "--threads", "4"];
  const server = await startServer(t, ["-b", "127.0.0.1:0", ...words, "plain:unchecked"]);
  await server.logged(/Ready at/);
  return server;
}

function neighbourOf(t: TestContext, server: Server): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${server.port}`);
  session.on("error", () => {}); // the test says what it expects
  t.after(() => session.destroy());
  return session;
}

async function assertServed(neighbour: ClientHttp2Session): Promise<void> {
  const stream = neighbour.request({ ":path": "/hello" });
  stream.resume();
  const [headers] = await within(10_000, "a neighbour's answer", once(stream, "response"));
  assert.equal(headers[":status"], 200);
}

function frontKib(server: Server): number {
  return server.tree.fronts.reduce((sum, pid) => sum + proportionalKib(pid), 0);
}

/** Odd numbers of streams. */
const ids = (count: number, first = 1): number[] => Array.from({ length: count }, (_, i) => first + i * 2);
const head = (id: number, block: string, flags: number): string => frame(F.HEADERS, flags, id, block);

/** What one connection says behind preface and SETTINGS, and whether the server ends it for that. */
interface Attack {
  readonly says: readonly string[];
  readonly isCutOff: boolean;
  readonly settings?: readonly (readonly [number, number])[];
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  "rapid reset": {
    says: [
      ids(2_000)
        .map((id) => head(id, HELLO, WHOLE) + F.resetFrame(id, F.CANCEL))
        .join(""),
    ],
    isCutOff: true,
  },
  "CONTINUATION without end": {
    says: [head(1, HELLO, F.END_STREAM), frame(F.CONTINUATION, 0, 1, "\0".repeat(16_000)).repeat(100)],
    isCutOff: true,
  },
  "empty CONTINUATION": {
    says: [head(1, HELLO, F.END_STREAM), frame(F.CONTINUATION, 0, 1).repeat(10_000)],
    isCutOff: true,
  },
  "lists that unpack to 40 MB": {
    says: ids(20).map((id) => {
      const bomb = `${HELLO}\x40\x03x-a\x7f\xa1\x1e${"y".repeat(4_000)}${"\xbe".repeat(10_000)}`;
      return F.headersFrames(id, bomb, { flags: F.END_STREAM, frameBytesMax: 16_384 });
    }),
    isCutOff: false,
  },
  "PING without reading": { says: [PING.repeat(50_000)], isCutOff: true },
  "SETTINGS without reading": { says: [F.settingsFrame([]).repeat(50_000)], isCutOff: true },
  "streams whose bodies do not end": {
    says: ids(STREAMS).map((id) => head(id, POST, F.END_HEADERS) + frame(F.DATA, 0, id, "y".repeat(500))),
    isCutOff: false,
  },
  "responses that nobody takes": {
    says: ids(STREAMS).map((id) => head(id, path(id < 5 ? LARGE : SMALL), WHOLE)),
    isCutOff: false,
    settings: [[F.SETTINGS_INITIAL_WINDOW_SIZE, 0]],
  },
  "responses taken byte by byte": {
    says: [
      head(1, path(LARGE), WHOLE),
      ...Array.from({ length: 200 }, () => F.windowUpdate(1, 1).repeat(50)),
    ],
    isCutOff: true,
    settings: [[F.SETTINGS_INITIAL_WINDOW_SIZE, 0]],
  },
};

function begin(server: Server, { says, settings = [] }: Attack): H2Client {
  const client = new H2Client(server.port).start(settings);
  for (const text of says) client.send(text);
  return client;
}

test("hostile HTTP/2 clients harm neither memory nor neighbours", { timeout: 180_000 }, async (t) => {
  const server = await start(t);
  const neighbour = neighbourOf(t, server);
  await assertServed(neighbour);
  const { fronts, workers } = server.tree;
  for (const [name, attack] of Object.entries(ATTACKS)) {
    await t.test(name, async (st) => {
      // Once before the measurement: code and buffers are there then.
      begin(server, attack).end();
      await assertServed(neighbour);
      const before = frontKib(server);
      const clients = Array.from({ length: CONNECTIONS }, () => begin(server, attack));
      st.after(() => clients.forEach((client) => void client.destroy()));
      await assertServed(neighbour);
      if (attack.isCutOff) await Promise.all(clients.map((client) => client.closed()));
      await assertServed(neighbour);
      const growth = frontKib(server) - before;
      st.diagnostic(`front: ${before} KiB, ${growth} more`);
      assert.ok(growth < GROWTH_KIB_MAX, `memory grew by ${growth} KiB`);
    });
  }
  assert.deepEqual(server.tree.fronts, fronts);
  assert.deepEqual(server.tree.workers, workers);
  await eventually(5_000, "an answer on a new connection", async () => {
    await assertServed(neighbourOf(t, server));
    return true;
  });
  assert.doesNotMatch(server.output, /\[ERROR\]|\[CRITICAL\]|Traceback|AssertionError/);
});
