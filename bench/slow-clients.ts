// A program: opens many slow connections to a server and keeps them so until SIGTERM. Usage: slow-clients.ts port count
// A third sends a head one byte a second, a third a body, a third reads a response of 100 kB at 1 kB a second.
// Prints "open N" when all have been tried, and at the end again. A connection that the server ends is opened anew.
// Ends with its parent: stdin is a pipe from there.

import { connect, type Socket } from "node:net";

const KINDS = ["head", "body", "reader"] as const;
type Kind = (typeof KINDS)[number];

const TICK_MS = 1_000;
/** They take turns within a second: all at once they would be a burst of load themselves. */
const GROUPS = 20;
const OPENED_PER_BATCH = 50;
const BATCH_MS = 20;
const READ_BYTES = 1_000;

const FIRST_BYTES: Record<Kind, string> = {
  head: "GET /slow-head HTTP/1.1\r\nHost: bench\r\nX-Slow: ",
  body: "POST /echo HTTP/1.1\r\nHost: bench\r\nContent-Length: 65536\r\n\r\n",
  reader: "GET /large HTTP/1.1\r\nHost: bench\r\n\r\n",
};

class SlowClient {
  readonly #kind: Kind;
  readonly #port: number;
  #socket: Socket | undefined;

  constructor(kind: Kind, port: number) {
    this.#kind = kind;
    this.#port = port;
    this.open();
  }

  open(): void {
    const target = { port: this.#port, host: "127.0.0.1" };
    // A slow reader takes one small buffer, then none until resumed; to the others an answer (408, 503) is the end.
    const onread = { buffer: Buffer.alloc(READ_BYTES), callback: () => false };
    const socket = this.#kind === "reader" ? connect({ ...target, onread }) : connect(target);
    if (this.#kind !== "reader") socket.on("data", () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#socket = undefined;
    });
    socket.write(FIRST_BYTES[this.#kind]);
    this.#socket = socket;
  }

  get isConnected(): boolean {
    return this.#socket?.readyState === "open";
  }

  /** Called once a second. */
  tick(): void {
    if (this.#socket === undefined) this.open();
    else if (!this.isConnected) return;
    else if (this.#kind === "reader") this.#socket.resume();
    else this.#socket.write("x");
  }
}

function main(port: number, count: number): void {
  const clients: SlowClient[] = [];
  const report = (): void => console.log(`open ${clients.filter((client) => client.isConnected).length}`);
  const opening = setInterval(() => {
    for (let i = 0; i < OPENED_PER_BATCH && clients.length < count; i++) {
      clients.push(new SlowClient(KINDS[clients.length % KINDS.length] ?? "head", port));
    }
    if (clients.length < count) return;
    clearInterval(opening);
    setTimeout(report, TICK_MS);
  }, BATCH_MS);
  let turn = 0;
  setInterval(() => {
    turn = (turn + 1) % GROUPS;
    for (let i = turn; i < clients.length; i += GROUPS) clients[i]?.tick();
  }, TICK_MS / GROUPS);
  process.stdin.resume().once("close", () => process.exit());
  process.once("SIGTERM", () => {
    report();
    process.exit();
  });
}

main(Number(process.argv[2]), Number(process.argv[3]));
