// `node bench/micro/wire.ts`: nanoseconds of the data plane's small steps, best of several rounds.

import { Dispatcher } from "../../src/dispatch/dispatcher.ts";
import { type Job, Ticket } from "../../src/dispatch/ticket.ts";
import { EnvironMaker } from "../../src/handlers/environ.ts";
import { Trust } from "../../src/handlers/trust.ts";
import type { Peer, RequestHead } from "../../src/http/exchange.ts";
import { Fields } from "../../src/http/fields.ts";
import { BODY, END, FRONT_RECEIVES, REQUEST, RESPONSE } from "../../src/wire/frame.ts";
import { FrameReader, NEED_DATA } from "../../src/wire/frame-reader.ts";
import { FrameWriter } from "../../src/wire/frame-writer.ts";
import { readResponse } from "../../src/wire/response-reader.ts";
import { appConfig } from "../../test/harness/app-config.ts";

const ROUNDS = 12;
const TIMES = 200_000;
const BATCH = 16;

const config = appConfig({
  queueMax: 1_000,
  timeoutMs: 30_000,
  forwardedAllowIps: ["127.0.0.1"],
  forwardedUntrusted: "pass",
  secureSchemeHeaders: { "X-FORWARDED-PROTO": "https" },
  forwarderHeaders: ["SCRIPT_NAME"],
  interface: "auto",
});

const WRK = ["Host", "127.0.0.1:8000"];
const BROWSER = [
  ["Host", "shop.example.org"],
  ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"],
  ["Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
  ["Accept-Language", "de,en-US;q=0.7,en;q=0.3"],
  ["Accept-Encoding", "gzip, deflate, br, zstd"],
  ["Referer", "https://shop.example.org/articles/?page=2"],
  ["DNT", "1"],
  ["Sec-GPC", "1"],
  ["Connection", "keep-alive"],
  ["Cookie", "csrftoken=abcdefghijklmnopqrstuvwxyz012345; sessionid=0123456789abcdefghijklmnopqrstuv"],
  ["Upgrade-Insecure-Requests", "1"],
  ["Sec-Fetch-Dest", "document"],
  ["Sec-Fetch-Mode", "navigate"],
  ["Sec-Fetch-Site", "same-origin"],
  ["Priority", "u=0, i"],
].flat();

/** Keeps the optimiser from leaving the work out. */
let kept = 0;

function measure(name: string, perTime: number, work: () => number): void {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < TIMES / perTime; i += 1) kept += work();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / TIMES);
  }
  console.log(`${name.padEnd(58)} ${best.toFixed(0).padStart(6)} ns`);
}

function request(fields: Fields, target: string): RequestHead {
  return {
    method: "GET",
    target,
    path: target,
    query: "",
    version: "1.1",
    authority: "127.0.0.1:8000",
    fields,
    bodyLength: 0,
    variables: undefined,
  };
}

const peer: Peer = {
  remoteAddress: "127.0.0.1",
  remotePort: 50_000,
  localAddress: "127.0.0.1",
  localPort: 8_000,
  isUnix: false,
  isTls: false,
  tls: undefined,
  listener: "",
  memo: undefined,
};

const trust = new Trust(config);
const environs = new EnvironMaker(config);
const writer = new FrameWriter();

/** Judged, encoded and written: a concatenated string costs nothing until somebody reads it. */
function send(head: RequestHead): number {
  const memo = trust.judge(head, peer);
  writer.text(1, REQUEST, END, environs.encode(head, memo, 0));
  return writer.pendingBytes > 60_000 ? writer.takeOutput().length : 0;
}

const wrkFields = new Fields(WRK);
const wrkHead = request(wrkFields, "/");
measure("environ, wrk, same block and target", 1, () => send(wrkHead));
let flip = 0;
const targets = ["/articles/1", "/articles/2"];
measure("environ, wrk, same block, other target", 1, () => {
  flip ^= 1;
  return send(request(wrkFields, targets[flip] as string)); // flip is 0 or 1
});
measure("environ, wrk, nothing known", 1, () => send(request(new Fields(WRK), "/")));
measure("environ, browser (15 fields), nothing known", 1, () => send(request(new Fields(BROWSER), "/")));

const frames = new FrameWriter();
const block = "Content-Type: text/plain\r\nContent-Length: 13\r\n\r\n";
const head = Buffer.alloc(20);
head.writeUInt16LE(200, 0);
head[2] = 1;
head.writeUInt32LE(block.length, 4);
head.writeUInt32LE(13, 8);
for (let i = 1; i <= BATCH; i += 1)
  frames.text(i, RESPONSE, END, `${head.toString("latin1") + block}Hello, World!`);
const batch = Buffer.concat(frames.takeOutput());
const reader = new FrameReader(FRONT_RECEIVES);
measure("response frame decoded, 16 a read", BATCH, () => {
  reader.receive(batch);
  let statuses = 0;
  for (let frame = reader.next(); frame !== NEED_DATA; frame = reader.next()) {
    if (frame.type !== "error") statuses += readResponse(frame)?.status ?? 0;
  }
  return statuses;
});

const half = batch.length >> 1;
measure("response frame decoded, 16 in two reads", BATCH, () => {
  let seen = 0;
  for (const piece of [batch.subarray(0, half), batch.subarray(half)]) {
    reader.receive(piece);
    while (reader.next() !== NEED_DATA) seen += 1;
  }
  return seen;
});

const kilobyte = Buffer.alloc(1024);
measure("body frame of 1 kB written", 1, () => {
  writer.bytes(1, BODY, 0, kilobyte);
  return writer.pendingBytes > 60_000 ? writer.takeOutput().length : 0;
});

class Nothing implements Job {
  readonly isReplayable = true;
  readonly isHeldByClient = false;
  readonly limitMs = -1;
  expire(): void {}
  sendTo(): void {}
  refuse(): void {}
}

const job = new Nothing();
for (const workers of [2, 16, 300]) {
  const nothing = (): void => undefined;
  const effects = { takeBack: nothing, drained: nothing, worn: nothing, overdue: nothing, expired: nothing };
  const dispatcher = new Dispatcher(config, effects);
  for (let id = 1; id <= workers; id += 1) dispatcher.addWorker(id, 1, 0);
  const tickets = (): Ticket[] => Array.from({ length: BATCH }, () => new Ticket(job));
  measure(`submit and finish, 16 at once, ${workers} workers`, BATCH, () => {
    const open = tickets();
    for (const ticket of open) dispatcher.submit(ticket, 0);
    for (const ticket of open) if (ticket.state === "running") dispatcher.finished(ticket, 50, 0);
    for (const ticket of open) if (ticket.state === "running") dispatcher.finished(ticket, 50, 0);
    return dispatcher.running;
  });
}
if (kept < 0) console.log(kept);
