// All clients' bytes pass through one buffer: what one client has sent must survive what others send next.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RawClient } from "../../harness/http-client.ts";
import { answer, runFront } from "../../harness/running-front.ts";
import { eventually } from "../../harness/wait.ts";

const CLIENTS = 8;
const BODY_BYTES = 5_000;

function bodyOf(index: number): string {
  return String.fromCharCode(97 + index).repeat(BODY_BYTES);
}

describe("reads into a shared buffer", () => {
  it("keeps half heads and half bodies of several clients apart", async (t) => {
    const running = await runFront(t);
    const clients: RawClient[] = Array.from({ length: CLIENTS }, () => running.connect());
    // Each slice of each client arrives before the next slice of any is sent.
    for (let at = 0, received = 0; at < messageOf(0).length; at += 997) {
      for (const [index, client] of clients.entries()) {
        const slice = messageOf(index).slice(at, at + 997);
        client.send(slice);
        received += slice.length;
        await eventually(5_000, "the slice", () => running.front.counters.bytesReceived >= received);
      }
    }
    for (const [index, client] of clients.entries()) {
      const answer = await client.until(new RegExp(`${bodyOf(index)}$`));
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    }
  });

  it("keeps a pipelined request that waits for its turn", async (t) => {
    const running = await runFront(t);
    const patient = running.connect();
    patient.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n");
    const held = await running.held();
    const other = running.connect();
    other.send(`GET /${"x".repeat(300)} HTTP/1.1\r\nHost: b\r\n\r\n`);
    await other.until(/x{300}$/);
    answer(held, "done");
    await patient.until(/hello \/second$/);
  });
});

function messageOf(index: number): string {
  return `POST /echo HTTP/1.1\r\nHost: ${index}\r\nContent-Length: ${BODY_BYTES}\r\n\r\n${bodyOf(index)}`;
}
