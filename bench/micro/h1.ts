// What the HTTP/1.1 codec costs by itself, in ns per request: receive, all events, response head, next cycle.
// `node bench/micro/h1.ts [rounds]`. Figures depend on the machine; compare them within one run.

import { H1Protocol } from "../../src/h1/protocol.ts";
import type { ResponseHead } from "../../src/http/exchange.ts";
import { NEED_DATA, PAUSED } from "../../src/http/message-protocol.ts";
import { ownHead } from "../../src/http/own-response.ts";
import { LIMITS } from "../../test/fuzz/h1-driver.ts";

const DEFAULT_ROUNDS = 1_000_000;
const RUNS = 5;
const HEAD: ResponseHead = ownHead(200, 13);
const BLOCK = "Content-Type: text/plain\r\nContent-Length: 13\r\n\r\n";
const COMMON = {
  serverLine: "Server: tunicorn\r\n",
  dateLine: "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
  extraLines: "",
};

const SMALL = "GET /hello?name=world HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: wrk/4\r\n\r\n";

/** As a browser sends it: 15 fields, some 700 bytes. `nr` makes its header block another one. */
function browserRequest(nr: number): string {
  return [
    "GET /articles/2026/11/index.html?page=2&sort=date HTTP/1.1",
    "Host: www.example.com",
    "Connection: keep-alive",
    "Cache-Control: max-age=0",
    'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Linux"',
    "Upgrade-Insecure-Requests: 1",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: navigate",
    "Referer: https://www.example.com/articles/",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en;q=0.9",
    `Cookie: sessionid=${String(nr).padStart(32, "0")}`,
    "",
    "",
  ].join("\r\n");
}

function chunkedRequest(): string {
  const chunk = `400\r\n${"x".repeat(1024)}\r\n`;
  return `POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(8)}0\r\n\r\n`;
}

/** Answers all requests that the inputs hold; how many there were. */
function serve(protocol: H1Protocol, inputs: readonly Buffer[]): number {
  let requests = 0;
  for (const input of inputs) {
    protocol.receive(input);
    for (;;) {
      const event = protocol.next();
      if (event === NEED_DATA) break;
      if (event !== PAUSED) continue;
      protocol.responseHead(HEAD, BLOCK, COMMON);
      protocol.endResponse();
      protocol.startNextCycle();
      requests++;
    }
  }
  return requests;
}

/** The best of a few runs, in CPU time, so that busy neighbours matter little. */
function measure(name: string, inputs: readonly Buffer[], rounds: number): void {
  const protocol = new H1Protocol(LIMITS);
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++)
    best = Math.min(best, cpuNsPerRequest(protocol, inputs, rounds / RUNS));
  console.log(`${name.padEnd(52)} ${best.toFixed(0).padStart(6)} ns`);
}

function cpuNsPerRequest(protocol: H1Protocol, inputs: readonly Buffer[], rounds: number): number {
  const before = process.cpuUsage();
  let done = 0;
  while (done < rounds) done += serve(protocol, inputs);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / done;
}

function main(): void {
  const rounds = Number(process.argv[2] ?? DEFAULT_ROUNDS);
  const other = SMALL.replace("wrk/4", "wrk/5");
  const browser = Buffer.from(browserRequest(1));
  console.log(`Node ${process.version}, ${rounds} requests each, CPU ns per request with its response head`);
  measure("small GET, the same header block", [Buffer.from(SMALL)], rounds);
  measure("small GET, another header block each time", [Buffer.from(SMALL), Buffer.from(other)], rounds);
  measure("small GET, 16 in one chunk", [Buffer.from(SMALL.repeat(16))], rounds);
  measure(`browser's GET (${browser.length} bytes), the same header block`, [browser], rounds);
  const two = [1, 2].map((nr) => Buffer.from(browserRequest(nr)));
  measure(`browser's GET (${browser.length} bytes), another one each time`, two, rounds);
  const halves = [browser.subarray(0, 300), browser.subarray(300)];
  measure("browser's GET in two pieces", halves, rounds);
  measure("POST of 8 chunks of 1 kB", [Buffer.from(chunkedRequest())], rounds / 4);
}

main();
