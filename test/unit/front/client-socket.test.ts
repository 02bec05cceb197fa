import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { listenTo, type SocketSink } from "../../../src/front/client-socket.ts";
import { collectAll } from "../../harness/heap.ts";

function newSink(said: string[]): SocketSink {
  const note = (word: string) => (): void => void said.push(word);
  return { onData: note("data"), onEnd: note("end"), onError: note("error"), onClose: note("close") };
}

describe("a client's socket", () => {
  it("tells its owner all, and nothing after its close", () => {
    const said: string[] = [];
    const socket = new PassThrough();
    listenTo(socket, newSink(said));
    for (const word of ["data", "end", "error", "close", "data", "error"]) socket.emit(word);
    assert.deepEqual(said, ["data", "end", "error", "close"]);
  });

  it("does not keep its owner alive once it is closed", async () => {
    const socket = new PassThrough();
    const owner = listenWithForgottenOwner(socket);
    await nextTurn();
    collectAll();
    assert.notEqual(owner.deref(), undefined, "an open one keeps it");
    socket.emit("close");
    await nextTurn(); // within one, what was looked at is kept
    collectAll();
    assert.equal(owner.deref(), undefined);
  });
});

/** In a function of its own, so that nothing else refers to the owner. */
function listenWithForgottenOwner(socket: PassThrough): WeakRef<SocketSink> {
  const owner = newSink([]);
  listenTo(socket, owner);
  return new WeakRef(owner);
}
