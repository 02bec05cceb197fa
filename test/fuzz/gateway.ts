// Random mutations of uwsgi, SCGI and FastCGI requests, and of PROXY headers. What must hold for any bytes: nothing throws, nothing is
// read after an error, and what is understood does not depend on how the bytes were split.

import assert from "node:assert/strict";
import { PROXY_HEADER_BYTES_MAX, readProxyHeader } from "../../src/gateway/proxy-header.ts";
import type { MessageLimits } from "../../src/http/limits.ts";
import {
  beginRecord,
  FASTCGI,
  type FastcgiRecord,
  fastcgiRequest,
  nameValues,
  readRecords,
  record,
  scgiPacket,
  uwsgiPacket,
} from "../harness/gateway-packets.ts";
import { type GatewayTranscript, playGateway, type Spoken } from "./gateway-driver.ts";
import { type Mutation, mutateOnce, PLAIN_MUTATIONS, withByte } from "./mutation.ts";
import { makeRandom, pick, type Random, split } from "./random.ts";

const INPUT_BYTES_MAX = 3_000;
const MUTATIONS_MAX = 4;
/** Versions and types of records, ends of ranges. */
const BORDERS = [0, 1, 2, 4, 5, 6, 255, 0x80] as const;
const MUTATIONS: readonly Mutation[] = [
  ...PLAIN_MUTATIONS,
  (copy, at, random) => withByte(copy, at, pick(BORDERS, random)),
  (copy, _at, random) => Buffer.concat([copy, pick(GATEWAY_SAMPLES.fastcgi, random)]),
];
const GET = {
  CONTENT_LENGTH: "0",
  SCGI: "1",
  REQUEST_METHOD: "GET",
  REQUEST_URI: "/a%20b?x=1",
  QUERY_STRING: "x=1",
  PATH_INFO: "/a b",
  SCRIPT_NAME: "",
  SERVER_PROTOCOL: "HTTP/1.1",
  REMOTE_ADDR: "203.0.113.9",
  REMOTE_PORT: "4711",
  HTTP_HOST: "example.org",
  HTTP_COOKIE: "a=b",
  UWSGI_FILE: "/x.py",
};
const POST = { ...GET, REQUEST_METHOD: "POST", CONTENT_LENGTH: "5", CONTENT_TYPE: "text/plain" };
const BODY = Buffer.from("hello");

export const GATEWAY_SAMPLES: Readonly<Record<Spoken, readonly Buffer[]>> = {
  uwsgi: [uwsgiPacket(GET), Buffer.concat([uwsgiPacket(POST), BODY]), uwsgiPacket(GET, { modifier1: 30 })],
  scgi: [scgiPacket(GET), Buffer.concat([scgiPacket(POST), BODY])],
  fastcgi: [
    fastcgiRequest(GET),
    Buffer.concat([fastcgiRequest(POST, "hello", { keep: true }), fastcgiRequest(GET, "", { id: 2 })]),
    Buffer.concat([
      record(FASTCGI.getValues, 0, nameValues({ FCGI_MPXS_CONNS: "" })),
      beginRecord(3, { keep: true }),
      record(FASTCGI.abort, 3),
      beginRecord(4, { role: 2 }),
      fastcgiRequest({ ...POST, CONTENT_LENGTH: "" }, "hello", { id: 5 }),
    ]),
    Buffer.concat([beginRecord(1), beginRecord(2), record(FASTCGI.params, 1), record(FASTCGI.stdin, 1)]),
  ],
};

const PROXY_SAMPLES: readonly Buffer[] = [
  Buffer.from("PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n"),
  Buffer.from("PROXY TCP6 2001:db8::9 2001:db8::1 4711 443\r\n"),
  Buffer.from("PROXY UNKNOWN\r\n"),
  Buffer.from("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\xc0\0\x02\x01\x12\x67\x01\xbb", "latin1"),
  Buffer.from("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", "latin1"),
];

const LIMITS: readonly Partial<MessageLimits>[] = [
  {},
  { headBytesMax: 120, fieldsMax: 1, fieldBytesMax: 20, bodyBytesMax: 3, requestLineBytesMax: 20 },
];

/** Plays `rounds` mutated inputs; a failure names the seed and the bytes. */
export function fuzzGateway(seed: number, rounds: number): void {
  const random = makeRandom(seed);
  for (let round = 0; round < rounds; round++) {
    const spoken = pick(["uwsgi", "scgi", "fastcgi"] as const, random);
    const input = mutate(pick(GATEWAY_SAMPLES[spoken], random), random);
    const options = { limits: pick(LIMITS, random), eof: random(2) === 0 };
    try {
      const whole = playGateway(spoken, [input], options);
      const parts = playGateway(spoken, split(input, random), options);
      assert.deepEqual(summary(spoken, parts), summary(spoken, whole));
      checkProxy(mutate(pick(PROXY_SAMPLES, random), random));
    } catch (error) {
      const what = `seed ${seed}, round ${round}, ${spoken}, options ${JSON.stringify(options)}`;
      throw new Error(`${what}, input ${input.toString("hex")}`, { cause: error });
    }
  }
}

/** A header is understood when its last byte has come, and as it will be then; a fault stays one. */
function checkProxy(input: Buffer): void {
  const whole = readProxyHeader(input, "auto");
  for (let length = 1; length < input.length; length++) {
    const early = readProxyHeader(input.subarray(0, length), "auto");
    if (early.type !== "incomplete") assert.deepEqual(early, whole);
  }
  if (whole.type === "header") assert.ok(whole.length <= Math.min(input.length, PROXY_HEADER_BYTES_MAX));
}

function mutate(sample: Buffer, random: Random): Buffer {
  let bytes = sample;
  for (let count = random(MUTATIONS_MAX + 1); count > 0; count--)
    bytes = mutateOnce(bytes, MUTATIONS, random);
  return bytes.length === 0 ? Buffer.from([random(256)]) : bytes.subarray(0, INPUT_BYTES_MAX);
}

/** What must not depend on the split. */
function summary(spoken: Spoken, transcript: GatewayTranscript): unknown {
  const requests = transcript.requests.map(({ head, body, isComplete }) => ({
    head: { ...head, fields: head.fields.flat },
    // Of a request that broke off, how much of its body was handed on depends on what came at once.
    body: isComplete ? body : "",
    isComplete,
  }));
  // What stands beside a request is answered when it is seen: before or behind other records.
  const output = spoken === "fastcgi" ? sorted(transcript.output) : transcript.output;
  return { ...transcript, requests, output };
}

/** Two answers of one kind for one number, given twice by a client that may not; only the order of STDOUT means something. */
function besideOrder(a: FastcgiRecord, b: FastcgiRecord): number {
  if (a.type === FASTCGI.stdout || a.content === b.content) return 0;
  return a.content < b.content ? -1 : 1;
}

function sorted(output: string): readonly FastcgiRecord[] {
  return readRecords(output).sort((a, b) => a.id - b.id || a.type - b.type || besideOrder(a, b));
}
