// A Front in the test's own process, on a free port, with a clock that the test drives and a handler that does as it is told.

import type { TestContext } from "node:test";
import { type ListenerConfig, plainListener } from "../../src/config/listener.ts";
import type { FrontConfig } from "../../src/front/context.ts";
import { Front } from "../../src/front/front.ts";
import type { BodySink, Exchange, Handler, Peer } from "../../src/http/exchange.ts";
import { ownHead } from "../../src/http/own-response.ts";
import { MemoryAccessLog, MemoryLog, testConfig } from "./front-parts.ts";
import { RawClient } from "./http-client.ts";
import { ManualClock } from "./manual-clock.ts";
import { eventually } from "./wait.ts";

export interface RunningFront {
  readonly front: Front;
  readonly port: number;
  readonly clock: ManualClock;
  readonly log: MemoryLog;
  readonly access: MemoryAccessLog;
  readonly handler: ScriptedHandler;
  connect(): RawClient;
  /** The exchange that is waiting for the test to answer it, from /hold. */
  held(count?: number): Promise<Exchange>;
}

export async function runFront(
  t: TestContext,
  changes: Partial<FrontConfig> = {},
  spoken: Partial<ListenerConfig> = {},
): Promise<RunningFront> {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const access = new MemoryAccessLog();
  const handler = new ScriptedHandler();
  const front = new Front({ config: testConfig(changes), handler, log, accessLog: access, clock });
  t.after(() => front.destroy());
  const { port } = await front.listen({
    ...plainListener({ kind: "tcp", host: "127.0.0.1", port: 0 }),
    ...spoken,
  });
  const connect = (): RawClient => {
    const client = new RawClient({ port });
    t.after(() => client.destroy());
    return client;
  };
  const held = (count = 1): Promise<Exchange> =>
    eventually(5_000, "a request for /hold", () => handler.held.length >= count && handler.held[count - 1]);
  return { front, port, clock, log, access, handler, connect, held };
}

/** Answers by path: /hold keeps the exchange for the test, /echo sends the body back, /ignore answers unread; else "hello". */
export class ScriptedHandler implements Handler {
  readonly seen: string[] = [];
  readonly peers: Peer[] = [];
  readonly held: Exchange[] = [];
  readonly aborts: string[] = [];
  readonly bodies: string[] = [];
  drained = 0;
  halfCloses = 0;
  /** Every request is answered after its body only, as a WSGI worker's would be. */
  readsAll = false;

  handle(exchange: Exchange): void {
    this.seen.push(`${exchange.head.method} ${exchange.head.target}`);
    this.peers.push(exchange.peer);
    exchange.events = {
      onAbort: (cause) => this.aborts.push(cause),
      onDrain: (bytes) => {
        this.drained += bytes;
      },
      onHalfClose: () => {
        this.halfCloses += 1;
      },
    };
    if (exchange.head.path === "/hold") this.held.push(exchange);
    else if (exchange.head.path === "/echo" || this.readsAll) this.#echo(exchange);
    else answer(exchange, `hello ${exchange.head.path}`);
  }

  #echo(exchange: Exchange): void {
    exchange.body.read(collect((body) => answer(exchange, body), this.bodies));
  }
}

/** A sink that calls `done` with the whole body; `ends` gets what came, also when it broke off. */
export function collect(done: (body: string) => void, ends: string[] = []): BodySink {
  let body = "";
  return {
    chunk: (bytes) => {
      body += Buffer.from(bytes).toString("latin1");
    },
    end: () => {
      ends.push(body);
      done(body);
    },
    abort: () => ends.push(`${body}(aborted)`),
  };
}

export interface BeginOptions {
  /** Content-Length; -1 for none. */
  readonly length?: number;
  readonly status?: number;
}

/** The head of a response, and its body if there is one, without its end. */
export function begin(exchange: Exchange, body = "", options: BeginOptions = {}): void {
  const { length = body.length, status = 200 } = options;
  const lengthLine = length < 0 ? "" : `Content-Length: ${length}\r\n`;
  const block = `Content-Type: text/plain\r\n${lengthLine}\r\n`;
  const bytes = Buffer.from(block + body, "latin1");
  exchange.response.start(ownHead(status, length), bytes, 0, block.length, bytes.length);
}

export function answer(exchange: Exchange, body: string): void {
  begin(exchange, body);
  exchange.response.end();
}
