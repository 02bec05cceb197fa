// A Front in the test's own process whose handler accepts WebSockets and does as their path says.

import type { TestContext } from "node:test";
import type { Clock } from "../../src/base/ports.ts";
import { plainListener } from "../../src/config/listener.ts";
import type { FrontConfig } from "../../src/front/context.ts";
import { Front } from "../../src/front/front.ts";
import type {
  AbortCause,
  Exchange,
  Handler,
  WebSocketChannel,
  WebSocketEvents,
} from "../../src/http/exchange.ts";
import { ownHead, sendWhole } from "../../src/http/own-response.ts";
import { MemoryAccessLog, MemoryLog, testConfig } from "./front-parts.ts";
import { ManualClock } from "./manual-clock.ts";
import { eventually } from "./wait.ts";
import { type HandshakeOptions, WebSocketClient } from "./web-socket-client.ts";

export interface WebSocketFront<C extends Clock = ManualClock> {
  readonly front: Front;
  readonly port: number;
  readonly clock: C;
  readonly log: MemoryLog;
  readonly access: MemoryAccessLog;
  readonly handler: WebSocketHandler;
  connect(): WebSocketClient;
  /** A client whose handshake was accepted, and the server's end of it. */
  open(options?: HandshakeOptions): Promise<{ client: WebSocketClient; socket: ServerSocket }>;
}

export async function runWebSocketFront(
  t: TestContext,
  changes: Partial<FrontConfig> = {},
): Promise<WebSocketFront> {
  return runWebSocketFrontBy(t, new ManualClock(), changes);
}

export async function runWebSocketFrontBy<C extends Clock>(
  t: TestContext,
  clock: C,
  changes: Partial<FrontConfig>,
): Promise<WebSocketFront<C>> {
  const log = new MemoryLog();
  const access = new MemoryAccessLog();
  const handler = new WebSocketHandler();
  const front = new Front({ config: testConfig(changes), handler, log, accessLog: access, clock });
  t.after(() => front.destroy());
  const { port } = await front.listen(plainListener({ kind: "tcp", host: "127.0.0.1", port: 0 }));
  const connect = (): WebSocketClient => {
    const client = new WebSocketClient({ port });
    t.after(() => client.destroy());
    return client;
  };
  const open = async (
    options?: HandshakeOptions,
  ): Promise<{ client: WebSocketClient; socket: ServerSocket }> => {
    const client = connect();
    const count = handler.sockets.length;
    await client.open(options);
    const socket = await eventually(5_000, "an accepted WebSocket", () => handler.sockets[count]);
    return { client, socket };
  };
  return { front, port, clock, log, access, handler, connect, open };
}

/** The handler's end of one WebSocket: /echo sends every message back, others keep it. */
export class ServerSocket implements WebSocketEvents {
  readonly messages: string[] = [];
  readonly closes: string[] = [];
  receivedBytes = 0;
  drains = 0;
  channel: WebSocketChannel | undefined;
  readonly #isEcho: boolean;

  constructor(isEcho: boolean) {
    this.#isEcho = isEcho;
  }

  onMessage(bytes: Buffer, isText: boolean): void {
    this.receivedBytes += bytes.length;
    if (this.#isEcho) this.channel?.send(bytes, isText, false);
    else this.messages.push(`${isText ? "text" : "binary"} ${bytes.length > 100 ? bytes.length : bytes}`);
  }

  onDrain(): void {
    this.drains++;
  }

  onClose(code: number, reason: Buffer): void {
    this.closes.push(`${code} ${reason}`.trimEnd());
  }
}

/** /hold does not answer; /plain has no use for WebSockets; all else is accepted with the first subprotocol. */
export class WebSocketHandler implements Handler {
  readonly sockets: ServerSocket[] = [];
  readonly held: Exchange[] = [];
  readonly aborts: AbortCause[] = [];
  halfCloses = 0;
  /** Header lines for the 101 response. */
  lines = "";

  handle(exchange: Exchange): void {
    exchange.events = {
      onAbort: (cause) => this.aborts.push(cause),
      onDrain: () => {},
      onHalfClose: () => {
        this.halfCloses++;
      },
    };
    const offer = exchange.webSocket;
    if (offer === undefined || exchange.head.path === "/plain") answerPlainly(exchange);
    else if (!offer.admit()) return;
    else if (exchange.head.path === "/hold") this.held.push(exchange);
    else this.accept(exchange);
  }

  accept(exchange: Exchange): ServerSocket {
    const socket = new ServerSocket(exchange.head.path === "/echo");
    const offer = exchange.webSocket;
    const block = Buffer.from(`${this.lines}\r\n`, "latin1");
    socket.channel = offer?.accept(offer.subprotocols[0] ?? "", block, socket);
    if (socket.channel !== undefined) this.sockets.push(socket);
    return socket;
  }
}

function answerPlainly(exchange: Exchange): void {
  sendWhole(exchange.response, ownHead(200, 5), "Content-Length: 5\r\n\r\n", Buffer.from("plain"));
}
