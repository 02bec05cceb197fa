import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { Output, Slab } from "../../../src/front/output.ts";

/** A socket whose kernel takes a write only when the test says so. */
class HeldSocket extends Duplex {
  readonly writes: string[] = [];
  isSlow = false;
  #taken: (() => void) | undefined = undefined;

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, callBack: () => void): void {
    this.#record(bytes.toString("latin1"), callBack);
  }

  override _writev(pieces: { chunk: Buffer }[], callBack: () => void): void {
    this.#record(Buffer.concat(pieces.map(({ chunk }) => chunk)).toString("latin1"), callBack);
  }

  letThrough(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  #record(text: string, callBack: () => void): void {
    this.writes.push(text);
    if (this.isSlow) this.#taken = callBack;
    else callBack();
  }
}

function outputOn(socket: HeldSocket): { output: Output; progress: () => number } {
  let times = 0;
  const output = new Output(socket, new Slab(), {
    onOutputProgress: () => {
      times++;
    },
  });
  return { output, progress: () => times };
}

describe("output", () => {
  it("gathers heads and bodies of a tick in one write", () => {
    const socket = new HeldSocket();
    const { output } = outputOn(socket);
    output.text("head ");
    output.bytes(Buffer.from("xbodyx"), 1, 5);
    output.text("");
    output.text(" head");
    output.flush();
    output.flush();
    assert.deepEqual(socket.writes, ["head body head"]);
    assert.equal(output.pendingBytes, 0);
    assert.equal(output.sentBytes, 14);
  });

  it("keeps the order of connections that write in turns", () => {
    const sockets = [new HeldSocket(), new HeldSocket()];
    const slab = new Slab();
    const outputs = sockets.map((socket) => new Output(socket, slab, { onOutputProgress: () => {} }));
    for (let i = 0; i < 3; i++) for (const [nth, output] of outputs.entries()) output.text(`${nth}:${i} `);
    for (const output of outputs) output.flush();
    assert.deepEqual(
      sockets.map(({ writes }) => writes.join("")),
      ["0:0 0:1 0:2 ", "1:0 1:1 1:2 "],
    );
  });

  it("sends any mixture of small and large pieces whole and in order", () => {
    const socket = new HeldSocket();
    const { output } = outputOn(socket);
    let expected = "";
    for (let length = 1; length < 300_000; length = length * 3 + 1) {
      const piece = String.fromCharCode(97 + (length % 26)).repeat(length);
      output.text(piece);
      output.bytes(Buffer.from(piece), 0, length);
      expected += piece + piece;
    }
    output.flush();
    assert.equal(socket.writes.join(""), expected);
  });

  it("gives a slow client a bounded piece at a time, and tells when it took it", async () => {
    const socket = new HeldSocket();
    socket.isSlow = true;
    const { output, progress } = outputOn(socket);
    output.bytes(Buffer.alloc(200_000, "x"), 0, 200_000);
    output.flush();
    output.flush();
    assert.deepEqual(
      socket.writes.map(({ length }) => length),
      [131_072],
    );
    assert.equal(output.pendingBytes, 200_000);
    for (let taken = 1; taken <= 3; taken++) {
      socket.letThrough();
      await new Promise(setImmediate);
      assert.equal(progress(), taken);
    }
    assert.deepEqual(
      socket.writes.map(({ length }) => length),
      [131_072, 65_536, 3_392],
    );
    assert.equal(output.pendingBytes, 0);
  });

  it("holds what comes behind a small write that was not taken", async () => {
    const socket = new HeldSocket();
    socket.isSlow = true;
    const { output, progress } = outputOn(socket);
    output.text("a");
    output.flush();
    output.text("b");
    output.flush();
    output.text("c");
    output.flush();
    assert.equal(output.pendingBytes, 3);
    for (let i = 0; i < 3; i++) {
      socket.letThrough();
      await new Promise(setImmediate);
    }
    assert.equal(socket.writes.join(""), "abc");
    assert.ok(progress() > 0);
  });

  it("forgets what was discarded", () => {
    const socket = new HeldSocket();
    const { output } = outputOn(socket);
    output.text("a");
    output.discard();
    output.flush();
    assert.deepEqual(socket.writes, []);
    assert.equal(output.queuedBytes, 0);
  });
});
