// What a front costs by itself: a Front with a handler that answers "hello" at once, beside node:http doing the same, in one run.
// Needs wrk. `node bench/micro/front.ts [seconds]`. Figures depend on the machine; the ratio is what to look at.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { systemClock } from "../../src/base/system-clock.ts";
import { plainListener } from "../../src/config/listener.ts";
import { Front } from "../../src/front/front.ts";
import type { Exchange, Handler, ResponseHead } from "../../src/http/exchange.ts";
import { ownHead } from "../../src/http/own-response.ts";
import { quietLog, testConfig } from "../../test/harness/front-parts.ts";

const CONNECTIONS = 64;
const TICKS_PER_SECOND = 100;
const BODY_BYTES = { hello: 13, "16 kB": 16_000, "100 kB": 100_000 } as const;
type Size = keyof typeof BODY_BYTES;

class HelloHandler implements Handler {
  readonly #bytes: Buffer;
  readonly #blockEnd: number;
  readonly #head: ResponseHead;

  constructor(length: number) {
    const block = `Content-Type: text/plain\r\nContent-Length: ${length}\r\n\r\n`;
    this.#bytes = Buffer.from(block + "x".repeat(length));
    this.#blockEnd = block.length;
    this.#head = ownHead(200, length);
  }

  handle(exchange: Exchange): void {
    exchange.response.start(this.#head, this.#bytes, 0, this.#blockEnd, this.#bytes.length);
    exchange.response.end();
  }
}

async function serveFront(length: number): Promise<number> {
  const front = new Front({
    config: testConfig({}),
    handler: new HelloHandler(length),
    log: quietLog,
    accessLog: undefined,
    clock: systemClock,
  });
  return (await front.listen(plainListener({ kind: "tcp", host: "127.0.0.1", port: 0 }))).port;
}

async function serveNodeHttp(length: number): Promise<number> {
  const body = Buffer.alloc(length, "x");
  const headers = { "Content-Type": "text/plain", "Content-Length": length };
  const server = createServer((_request, response) => {
    response.writeHead(200, headers);
    response.end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** CPU seconds of a process so far, user and system. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function measure(kind: "front" | "node:http", size: Size, seconds: number): Promise<void> {
  const child = spawn(process.execPath, [import.meta.filename, "serve", kind, String(BODY_BYTES[size])], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const port = await firstLine(child);
  load(port, 1);
  const before = cpuSeconds(child.pid ?? 0);
  const requests = load(port, seconds);
  const cpu = cpuSeconds(child.pid ?? 0) - before;
  child.kill();
  const micros = ((cpu / requests) * 1e6).toFixed(2);
  console.log(
    `${size.padEnd(8)} ${kind.padEnd(10)} ${Math.round(requests / seconds)} req/s  ${micros} µs CPU/request`,
  );
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("the server has no stdout");
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  return chunk.toString().trim();
}

function load(port: string, seconds: number): number {
  const wrk = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}`, `http://127.0.0.1:${port}/`];
  const text = execFileSync("wrk", wrk, { encoding: "utf8" });
  return Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
}

if (process.argv[2] === "serve") {
  const serve = process.argv[3] === "front" ? serveFront : serveNodeHttp;
  console.log(await serve(Number(process.argv[4])));
  process.stdin.on("end", () => process.exit()).resume();
} else {
  const seconds = Number(process.argv[2] ?? 3);
  for (const size of Object.keys(BODY_BYTES) as Size[]) {
    await measure("node:http", size, seconds);
    await measure("front", size, seconds);
  }
}
