// A program: WebSocket clients that echo, or only stay. Usage:
//
//   web-socket-clients.ts echo PORT COUNT SECONDS     64 connections in a closed loop; prints a WrkResult as JSON
//   web-socket-clients.ts idle PORT COUNT             opens them all, prints "open N", stays until SIGTERM
//
// Raw TCP: the messages are the same bytes every time, so nothing is encoded, masked or parsed while it counts. The idle ones end
// with their parent: stdin is a pipe from there.

import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const PAYLOAD_BYTES = 100;
const HANDSHAKE =
  "GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/** A binary frame, masked with zeros. */
const MESSAGE = Buffer.concat([
  Buffer.from([0x82, 0x80 | PAYLOAD_BYTES, 0, 0, 0, 0]),
  Buffer.alloc(PAYLOAD_BYTES, "x"),
]);
/** The same as a server sends it. */
const ECHO_BYTES = 2 + PAYLOAD_BYTES;
const OPENED_AT_ONCE = 50;
const RECEIVE_BYTES = 4_096;

interface Client {
  readonly socket: Socket;
  /** Bytes of the current echo. */
  received: number;
  sentAt: number;
}

/** Undefined when it was refused. */
function open(port: number, onEcho: ((client: Client) => void) | undefined): Promise<Client | undefined> {
  const { promise, resolve } = Promise.withResolvers<Client | undefined>();
  let head: string | undefined = "";
  const buffer = Buffer.alloc(onEcho === undefined ? 512 : RECEIVE_BYTES);
  const onData = (count: number): boolean => {
    if (head === undefined) {
      client.received += count;
      if (client.received >= ECHO_BYTES) {
        client.received -= ECHO_BYTES;
        onEcho?.(client);
      }
      return true;
    }
    head += buffer.toString("latin1", 0, count);
    if (!head.endsWith("\r\n\r\n")) return true;
    resolve(head.startsWith("HTTP/1.1 101 ") ? client : undefined);
    head = undefined;
    return true;
  };
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, onread: { buffer, callback: onData } });
  const client: Client = { socket, received: 0, sentAt: 0 };
  socket.on("error", () => {}); // "close" follows
  socket.on("close", () => resolve(undefined));
  socket.write(HANDSHAKE);
  return promise;
}

async function openAll(
  port: number,
  count: number,
  onEcho?: (client: Client) => void,
): Promise<readonly Client[]> {
  const clients: Client[] = [];
  for (let opened = 0; opened < count; opened += OPENED_AT_ONCE) {
    const some = Array.from({ length: Math.min(OPENED_AT_ONCE, count - opened) }, () => open(port, onEcho));
    for (const client of await Promise.all(some)) if (client !== undefined) clients.push(client);
  }
  return clients;
}

async function echo(port: number, count: number, seconds: number): Promise<void> {
  const waits: number[] = [];
  let isOver = false;
  const send = (client: Client): void => {
    client.sentAt = performance.now();
    client.socket.write(MESSAGE);
  };
  const clients = await openAll(port, count, (client) => {
    if (isOver) return;
    waits.push(performance.now() - client.sentAt);
    send(client);
  });
  const startedAt = performance.now();
  for (const client of clients) send(client);
  await delay(seconds * 1_000);
  isOver = true;
  const durationUs = (performance.now() - startedAt) * 1_000;
  const lost = count - clients.filter(({ socket }) => socket.readyState === "open").length;
  waits.sort((a, b) => a - b);
  const quantile = (share: number): number =>
    Math.round((waits[Math.floor(waits.length * share)] ?? 0) * 1_000);
  const maxUs = Math.round((waits.at(-1) ?? 0) * 1_000);
  const result = { requests: waits.length, durationUs, p50Us: quantile(0.5), p99Us: quantile(0.99), maxUs };
  console.log(JSON.stringify({ ...result, statusErrors: 0, socketErrors: lost, timeouts: 0 }));
  process.exit();
}

async function idle(port: number, count: number): Promise<void> {
  process.stdin.resume().once("close", () => process.exit());
  const clients = await openAll(port, count);
  console.log(`open ${clients.length}`);
}

const [mode, port, count, seconds] = process.argv.slice(2);
if (mode === "echo") await echo(Number(port), Number(count), Number(seconds));
else await idle(Number(port), Number(count));
