// HPACK beside another implementation of it: nghttp2, through Node's own client, both ways.

import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders, sensitiveHeaders } from "node:http2";
import { duplexPair } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { H2Protocol } from "../../../src/h2/protocol.ts";
import type { H2Request } from "../../../src/h2/request-reader.ts";
import { ResponseFields } from "../../../src/h2/response-fields.ts";
import type { H2Stream } from "../../../src/h2/stream.ts";
import { LIMITS } from "../../fuzz/h1-driver.ts";
import { SETTINGS } from "../../fuzz/h2-driver.ts";
import { makeRandom, pick, type Random } from "../../fuzz/random.ts";

const REQUESTS = 300;
const NAMES = [
  "accept",
  "x-a",
  "x-b",
  "referer",
  "user-agent",
  "authorization",
  "x-a-rather-long-name",
  "range",
];
type Answer = (request: H2Request) => string;

/** Node's client on one side, our protocol on the other, memory between them. */
function join(t: TestContext, options: { headerTableSize?: number }, answer: Answer): ClientHttp2Session {
  const [near, far] = duplexPair();
  const never = (what: string): never => assert.fail(what);
  const protocol = new H2Protocol({
    limits: LIMITS,
    settings: SETTINGS,
    output: {
      pendingBytes: 0,
      text: (text) => void far.write(Buffer.from(text, "latin1")),
      bytes: (bytes, from, to) => void far.write(Buffer.from(bytes.subarray(from, to))),
    },
    sink: {
      onRequest: (stream: H2Stream, request: H2Request) => {
        protocol.respond(stream, `\x88${answer(request)}`);
        protocol.end(stream, "");
      },
      onRefusal: (_stream, fault) => never(fault),
      onMalformed: (fault) => never(fault),
      onFailure: (fault) => never(fault),
      onPong: () => {},
    },
  });
  far.on("data", (bytes: Buffer) => {
    protocol.receive(bytes, 1);
    protocol.pump(Number.POSITIVE_INFINITY, 1);
    protocol.takeFramed();
  });
  protocol.start();
  const session = connect("http://test", { createConnection: () => near, settings: options });
  t.after(() => session.destroy());
  return session;
}

function randomFields(random: Random): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (let count = random(8); count > 0; count--) {
    const values = Array.from({ length: 1 + random(2) }, () => randomText(random));
    fields.set(pick(NAMES, random), values);
  }
  return fields;
}

/** No blank at either end, which clients trim. */
function randomText(random: Random): string {
  const isAscii = random(3) > 0;
  let text = "";
  for (let left = random(random(10) === 0 ? 400 : 20); left > 0; left--) {
    text += String.fromCharCode(isAscii || random(2) === 0 ? 33 + random(94) : 161 + random(94));
  }
  return text.length > 2 && random(3) === 0 ? `${text[0]} ${text.slice(1)}` : text;
}

function flatten(fields: ReadonlyMap<string, readonly string[]>): string[] {
  return [...fields].flatMap(([name, values]) => values.flatMap((value) => [name, value]));
}

/** Node's client sends a field once that may stand once. */
const SINGLE = new Set(["referer", "user-agent", "authorization", "range"]);

async function checkMany(t: TestContext, seed: number, headerTableSize?: number): Promise<void> {
  const random = makeRandom(seed);
  const fields = new ResponseFields();
  let seen: readonly string[] = [];
  let wanted: string[] = [];
  const session = join(t, headerTableSize === undefined ? {} : { headerTableSize }, ({ head }) => {
    seen = head.fields.flat;
    const answer = randomFields(random);
    wanted = flatten(answer);
    let lines = "";
    for (const [name, values] of answer) for (const value of values) lines += `${name}: ${value}\r\n`;
    return fields.encode(lines, false);
  });
  for (let count = 0; count < REQUESTS; count++) {
    const asked = randomFields(random);
    for (const [name, values] of asked) if (SINGLE.has(name)) values.length = 1;
    const path = `/${random(20)}`;
    const secret = { [sensitiveHeaders]: [...asked.keys()].filter(() => random(4) === 0) };
    const stream = session.request({
      ":path": path,
      ":authority": "test",
      ...(Object.fromEntries(asked) satisfies OutgoingHttpHeaders),
      ...secret,
    });
    const closed = once(stream, "close");
    stream.end();
    const [, , raw] = (await once(stream, "response")) as [unknown, unknown, string[]];
    stream.resume();
    const what = `seed ${seed}, request ${count}`;
    assert.deepEqual(seen, ["host", "test", ...flatten(asked)], what);
    assert.deepEqual(raw, [":status", "200", ...wanted], what);
    await closed;
  }
}

describe("header blocks that nghttp2 writes and reads", () => {
  it("mean the same to both sides", (t) => checkMany(t, 1));
  it("mean the same to a client with a small table", (t) => checkMany(t, 2, 64));
  it("mean the same to a client without a table", (t) => checkMany(t, 3, 0));
});
