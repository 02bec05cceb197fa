// Compression as a handler and a client see it. The property test prints its seed.

import assert from "node:assert/strict";
import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { type CompressionConfig, NO_POLICY } from "../../../../src/config/route.ts";
import { filterServices, filtersOf } from "../../../../src/handlers/filters/chain.ts";
import { availableCodings, type Coding } from "../../../../src/handlers/filters/codecs.ts";
import { STREAMS_MAX, WHOLE_BYTES_MAX } from "../../../../src/handlers/filters/compression.ts";
import { turn } from "../../../harness/app-stage.ts";
import type { FakeRequest } from "../../../harness/fake-exchange.ts";
import {
  type Answer,
  begin,
  ClientExchange,
  type Filtered,
  sum,
  throughFilters,
} from "../../../harness/filtered-exchange.ts";
import { quietLog } from "../../../harness/front-parts.ts";
import { eventually } from "../../../harness/wait.ts";
import { Random } from "../../../simulation/random.ts";

const CODINGS: readonly Coding[] = availableCodings(["zstd", "br", "gzip"]);
const CONFIG: CompressionConfig = { codings: CODINGS, types: ["text/*", "application/json"], bytesMin: 100 };
const HTML = "Content-Type: text/html; charset=utf-8";
const PAGE = Buffer.from("<p>some words that come again and again</p>\n".repeat(100));
const LARGE = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `line ${i * 7919}\n`).join(""));

function decode(coding: string, bytes: Buffer): Buffer {
  if (coding === "gzip") return gunzipSync(bytes);
  return coding === "br" ? brotliDecompressSync(bytes) : zstdDecompressSync(bytes);
}

function ask(
  accept: string,
  changes: Partial<FakeRequest> = {},
  config: Partial<CompressionConfig> = {},
): Filtered {
  const fields = accept === "" ? ["Host", "a"] : ["Host", "a", "Accept-Encoding", accept];
  return throughFilters({ compression: { ...CONFIG, ...config } }, { fields, ...changes });
}

function answered(accept: string, answer: Answer, changes: Partial<FakeRequest> = {}): ClientExchange {
  const { client, exchange } = ask(accept, changes);
  begin(exchange, { fields: [HTML], body: PAGE, ...answer });
  exchange.response.end();
  return client;
}

function isPlain(client: ClientExchange): boolean {
  return !client.block.includes("Content-Encoding") && client.bodyBytes.equals(PAGE);
}

describe("a response that is complete at once", () => {
  for (const coding of CODINGS) {
    it(`is sent as ${coding} in one piece, with its new length`, () => {
      const client = answered(coding, {
        fields: [HTML, 'ETag: "v1"', "Accept-Ranges: bytes", "Content-MD5: x"],
      });
      const { bodyBytes, block } = client;
      assert.ok(decode(coding, bodyBytes).equals(PAGE));
      assert.equal(client.pieces.length, 1);
      assert.equal(client.head0?.contentLength, bodyBytes.length);
      assert.match(
        block,
        new RegExp(`^Content-Length: ${bodyBytes.length}\\r\\nContent-Encoding: ${coding}\\r\\n`),
      );
      assert.match(block, /\r\nETag: W\/"v1"\r\n/);
      assert.match(block, /Vary: Accept-Encoding\r\n/);
      assert.doesNotMatch(block, /Accept-Ranges|MD5/);
      assert.equal(block.match(/Content-Length/g)?.length, 1);
    });
  }

  it("stays as it is for a client that takes no coding, and says that others get another", () => {
    for (const accept of ["", "deflate", "gzip;q=0, br;q=0, zstd;q=0", "identity"]) {
      const client = answered(accept, { fields: [HTML, 'ETag: "v1"'] });
      assert.ok(isPlain(client));
      assert.match(client.block, /Vary: Accept-Encoding\r\n/);
      assert.match(client.block, /ETag: "v1"/);
      assert.match(client.block, new RegExp(`Content-Length: ${PAGE.length}`));
    }
  });

  it("keeps what the application says of Vary", () => {
    assert.match(answered("gzip", { fields: [HTML, "Vary: Cookie"] }).block, /Vary: Cookie\r\n/);
    assert.equal(
      answered("gzip", { fields: [HTML, "Vary: accept-encoding"] }).block.match(/vary/gi)?.length,
      1,
    );
    assert.equal(answered("gzip", { fields: [HTML, "Vary: *"] }).block.match(/vary/gi)?.length, 1);
  });

  it("is left alone when it is short, of another type, a part, already encoded, or not to be changed", () => {
    const cases: Answer[] = [
      { fields: ["Content-Type: image/png"] },
      { fields: [] },
      { fields: [HTML, "Content-Encoding: br"] },
      { fields: [HTML, "Content-Encoding: identity"] },
      { fields: [HTML, "Content-Range: bytes 0-9/20"] },
      { fields: [HTML, "Cache-Control: private, no-transform"] },
      { fields: ["Content-Type: text/event-stream"] },
      { fields: [HTML], noBuffer: true },
    ];
    for (const answer of cases) {
      const client = answered("gzip", answer);
      assert.ok(client.bodyBytes.equals(PAGE), JSON.stringify(answer));
      assert.doesNotMatch(client.block, /Vary/);
    }
    const short = answered("gzip", { body: PAGE.subarray(0, 99) });
    assert.equal(short.bodyBytes.length, 99);
    assert.doesNotMatch(short.block, /Vary|Encoding/);
  });

  it("is left alone when it is a part, and says as the whole would that others get another", () => {
    const client = answered("gzip", {
      fields: [HTML, "Content-Range: bytes 0-9/20", 'ETag: "v1"'],
      status: 206,
    });
    assert.ok(client.bodyBytes.equals(PAGE));
    assert.match(client.block, /Vary: Accept-Encoding\r\n/);
    assert.match(client.block, /ETag: "v1"/);
    assert.doesNotMatch(answered("gzip", { fields: ["Content-Type: image/png"], status: 206 }).block, /Vary/);
  });

  it("without a length is measured first", () => {
    const short = answered("gzip", { body: PAGE.subarray(0, 99), length: -1 });
    assert.equal(short.bodyBytes.length, 99);
    assert.doesNotMatch(short.block, /Encoding/);
    assert.ok(decode("gzip", answered("gzip", { length: -1 }).bodyBytes).equals(PAGE));
  });

  it("shows by HEAD what GET would say, without a length that it cannot know", () => {
    const client = answered(
      "gzip",
      { fields: [HTML, 'ETag: "v1"'], body: Buffer.alloc(0), length: 5_000 },
      { method: "HEAD" },
    );
    assert.match(client.block, /Content-Encoding: gzip\r\n/);
    assert.match(client.block, /ETag: W\/"v1"/);
    assert.doesNotMatch(client.block, /Content-Length/);
    assert.equal(client.head0?.contentLength, -1);
  });

  it("is broken off by the front, not hidden, when it is shorter than it said", () => {
    const client = answered("gzip", { length: PAGE.length + 1 });
    assert.equal(client.head0?.contentLength, PAGE.length + 1);
    assert.ok(isPlain(client));
  });

  it("loses what is beyond its length", () => {
    const client = answered("gzip", { length: PAGE.length - 5 });
    assert.ok(decode("gzip", client.bodyBytes).equals(PAGE.subarray(0, -5)));
  });
});

describe("a 304", () => {
  const etag = ['ETag: "v1"'];
  const notModified = { status: 304, fields: etag, body: Buffer.alloc(0), length: -1 };

  it("carries the weak tag that the client has", () => {
    const fields = ["Host", "a", "Accept-Encoding", "gzip", "If-None-Match", 'W/"v1"'];
    const client = answered("", notModified, { fields });
    assert.match(client.block, /ETag: W\/"v1"\r\n/);
    assert.match(client.block, /Vary: Accept-Encoding\r\n/);
  });

  it("stays as it is for a client that has the plain response", () => {
    const fields = ["Host", "a", "Accept-Encoding", "gzip", "If-None-Match", '"v1"'];
    assert.equal(answered("", notModified, { fields }).block, 'ETag: "v1"\r\n\r\n');
  });
});

describe("a response that comes in parts", () => {
  for (const coding of CODINGS) {
    it(`reaches the client as ${coding} part by part: what waits for nothing more is flushed`, async () => {
      const { client, exchange } = ask(coding);
      begin(exchange, { fields: [HTML], body: Buffer.from("first"), length: -1 });
      await client.until((body) => partly(coding, body) === "first");
      exchange.response.write(Buffer.from(", second"));
      await client.until((body) => partly(coding, body) === "first, second");
      exchange.response.end();
      await client.ended;
      assert.equal(decode(coding, client.bodyBytes).toString(), "first, second");
      assert.equal(client.head0?.contentLength, -1);
      assert.doesNotMatch(client.block, /Content-Length/);
    });
  }

  it("keeps its trailers", async () => {
    const { client, exchange } = ask("gzip");
    begin(exchange, { fields: [HTML], body: LARGE, length: -1 });
    exchange.response.end(Buffer.from("X-Sum: 1\r\n\r\n"));
    await client.ended;
    assert.equal(client.trailers, "X-Sum: 1\r\n\r\n");
    assert.ok(decode("gzip", client.bodyBytes).equals(LARGE));
  });

  it("is broken off when it is shorter than it said", async () => {
    const { client, exchange } = ask("gzip");
    begin(exchange, { fields: [HTML], body: LARGE, length: LARGE.length + 1 });
    exchange.response.end();
    await client.ended;
    assert.match(client.aborted, /^app-aborted 500 the response is 1 bytes shorter/);
  });

  it("frees the compressor when the client leaves or the application breaks off", async () => {
    const services = filterServices(quietLog, () => 0);
    const filters = filtersOf({ ...NO_POLICY, compression: CONFIG }, services);
    assert.ok(filters);
    const open = (): { client: ClientExchange; exchange: ReturnType<typeof filters> } => {
      const client = new ClientExchange({ fields: ["Accept-Encoding", "gzip"] });
      const exchange = filters(client);
      begin(exchange, { fields: [HTML], body: LARGE, length: -1 });
      return { client, exchange };
    };
    const [one, two] = [open(), open()];
    assert.equal(services.room.streams, 2);
    one.client.events?.onAbort("client-left");
    two.exchange.response.abort("app-aborted", 500, "x");
    assert.equal(services.room.streams, 0);
    one.client.events?.onAbort("client-left");
    assert.equal(services.room.streams, 0);
    await turn();
    assert.equal(two.client.aborted, "app-aborted 500 x");
  });

  it("is sent as it is when too many others are being compressed", () => {
    const services = filterServices(quietLog, () => 0);
    services.room.streams = STREAMS_MAX;
    const client = new ClientExchange({ fields: ["Accept-Encoding", "gzip"] });
    const exchange = filtersOf({ ...NO_POLICY, compression: CONFIG }, services)?.(client);
    assert.ok(exchange);
    begin(exchange, { fields: [HTML], body: LARGE });
    exchange.response.end();
    assert.ok(client.bodyBytes.equals(LARGE));
    assert.match(client.block, /Vary/);
  });

  it("gets an error page, not half a head, when the application fails before anything was sent", () => {
    const { client, exchange } = ask("gzip");
    begin(exchange, { fields: [HTML], body: Buffer.from("x"), length: -1 });
    exchange.response.abort("app-aborted", 502, "the worker died");
    assert.equal(client.status, 0);
    assert.equal(client.aborted, "app-aborted 502 the worker died");
  });
});

describe("credit", () => {
  it("is counted in the handler's bytes, and given only for what the client took", async () => {
    const { client, exchange, drained } = ask("gzip");
    client.takesAll = false;
    begin(exchange, { fields: [HTML], body: LARGE, length: -1 });
    await client.until((body) => partly("gzip", body).length === LARGE.length);
    assert.equal(sum(drained), 0);
    client.events?.onDrain(client.bodyBytes.length - 1);
    const before = sum(drained);
    assert.ok(before < LARGE.length);
    client.events?.onDrain(1);
    await eventually(1_000, "all credit", () => sum(drained) === LARGE.length);
    exchange.response.end();
    await client.ended;
    assert.equal(sum(drained), LARGE.length);
  });
});

describe("a file", () => {
  function openFile(t: TestContext, bytes: Buffer): number {
    const folder = mkdtempSync(join(tmpdir(), "tunicorn-test-"));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "f"), bytes);
    return openSync(join(folder, "f"), "r");
  }

  it("is compressed while it is read, no faster than the client takes it", async (t) => {
    const fd = openFile(t, LARGE);
    const { client, exchange } = ask("zstd, br, gzip");
    begin(exchange, { fields: [HTML], length: LARGE.length });
    exchange.response.endWithFile(fd, 0, LARGE.length);
    await client.ended;
    const coding = /Content-Encoding: (\S+)/.exec(client.block)?.[1] ?? "";
    assert.ok(decode(coding, client.bodyBytes).equals(LARGE));
  });

  it("is passed on when it is not for compressing", (t) => {
    const fd = openFile(t, LARGE);
    const { client, exchange } = ask("gzip");
    begin(exchange, { fields: ["Content-Type: image/png"], length: LARGE.length });
    exchange.response.endWithFile(fd, 0, LARGE.length);
    assert.equal(client.file?.fd, fd);
  });

  it("is let go when the client leaves", async (t) => {
    const fd = openFile(t, LARGE);
    const { client, exchange } = ask("gzip");
    begin(exchange, { fields: [HTML], length: LARGE.length });
    exchange.response.endWithFile(fd, 0, LARGE.length);
    client.events?.onAbort("client-left");
    await eventually(1_000, "closed", () => isClosed(fd));
  });
});

describe("any body in any pieces", () => {
  it("comes out as it went in", async () => {
    const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    const chance = new Random(seed);
    const random = (): number => chance.next();
    for (let round = 0; round < 60; round++) {
      const coding = CODINGS[round % CODINGS.length] ?? "gzip";
      const body = randomBody(random);
      const { client, exchange, drained } = ask(coding);
      const isKnown = random() < 0.5;
      begin(exchange, { fields: [HTML], length: isKnown ? body.length : -1 });
      for (let at = 0; at < body.length; ) {
        const to = at + 1 + Math.floor(random() ** 4 * 100_000);
        exchange.response.write(Buffer.from(body.subarray(at, to)));
        at = to;
        if (random() < 0.3) await turn();
      }
      exchange.response.end();
      await client.ended;
      const isCoded = client.block.includes("Content-Encoding");
      const got = isCoded ? decode(coding, client.bodyBytes) : client.bodyBytes;
      assert.ok(got.equals(body), `seed ${seed}, round ${round}`);
      assert.ok(sum(drained) <= body.length, `seed ${seed}, round ${round}`);
    }
  });
});

function randomBody(random: () => number): Buffer {
  const length = Math.floor(random() ** 3 * 4 * WHOLE_BYTES_MAX);
  const isText = random() < 0.7;
  return Buffer.from(Uint8Array.from({ length }, () => Math.floor(random() * (isText ? 8 : 256))));
}

/** What can be read of a stream that has not ended. */
function partly(coding: string, bytes: Buffer): string {
  if (bytes.length === 0) return "";
  if (coding === "gzip") return gunzipSync(bytes, { finishFlush: 2 }).toString();
  if (coding === "br") return brotliDecompressSync(bytes, { finishFlush: 1 }).toString();
  return zstdDecompressSync(bytes, { finishFlush: 1 }).toString();
}

function isClosed(fd: number): boolean {
  try {
    rmSync(`/proc/self/fd/${fd}/nothing`);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
  return false;
}
