import { deepEqual, equal, match } from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { BodyBuffer, type BodyOwner, type BodyTarget } from "../../../src/handlers/body-buffer.ts";
import { BODY_MEMORY_TOTAL_MAX, BodyStore } from "../../../src/handlers/body-store.ts";
import { quietLog } from "../../harness/front-parts.ts";
import { type Owner, temporaryFolder } from "../../harness/temporary.ts";

class Owning implements BodyOwner {
  readonly outcome: Promise<string>;
  #tell: (outcome: string) => void = () => undefined;

  constructor() {
    this.outcome = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }
  onBodyReady(): void {
    this.#tell("ready");
  }
  onBodyAborted(): void {
    this.#tell("aborted");
  }
  onBodyFailed(reason: string): void {
    this.#tell(reason);
  }
}

class Sent implements BodyTarget {
  readonly pieces: string[] = [];
  path = "";
  ends = 0;

  body(_stream: number, bytes: Uint8Array, isEnd: boolean): void {
    this.pieces.push(Buffer.from(bytes).toString());
    if (isEnd) this.ends += 1;
  }
  bodyFile(_stream: number, path: string): void {
    this.path = path;
  }
}

class Source {
  readonly awaitsContinue: boolean = false;
  readonly calls: string[] = [];
  read(): void {}
  pause(): void {
    this.calls.push("pause");
  }
  resume(): void {
    this.calls.push("resume");
  }
}

const MEMORY_MAX = 10_000;

function make(folder: string): { buffer: BodyBuffer; store: BodyStore; owner: Owning; source: Source } {
  const store = new BodyStore({ folder, memoryBytesMax: MEMORY_MAX, log: quietLog });
  const owner = new Owning();
  const source = new Source();
  return { buffer: new BodyBuffer(store, source, { expected: -1, owner }), store, owner, source };
}

function folderOf(owner: Owner): string {
  return join(temporaryFolder(owner), "bodies");
}

describe("body buffer", () => {
  it("joins a client's single bytes into few pieces", async (t) => {
    const { buffer, store, owner } = make(folderOf(t));
    for (let i = 0; i < 9_000; i += 1) buffer.chunk(Buffer.from([97 + (i % 26)]));
    buffer.end();
    equal(await owner.outcome, "ready");
    const sent = new Sent();
    buffer.sendTo(sent, 1);
    equal(sent.pieces.length, 2);
    equal(sent.ends, 1);
    equal(sent.pieces.join("").length, 9_000);
    equal(store.heldBytes, 9_000);
    buffer.release();
    buffer.release();
    equal(store.heldBytes, 0);
  });

  it("keeps small and large chunks in their order", async (t) => {
    const { buffer, owner } = make(folderOf(t));
    for (const chunk of ["a", "b", "C".repeat(3_000), "d", "e"]) buffer.chunk(Buffer.from(chunk));
    buffer.end();
    await owner.outcome;
    const sent = new Sent();
    buffer.sendTo(sent, 1);
    equal(sent.pieces.join(""), `ab${"C".repeat(3_000)}de`);
  });

  it("asks the client to wait for the disk, and to go on", async (t) => {
    const { buffer, store, owner, source } = make(folderOf(t));
    const mebibyte = Buffer.alloc(1_048_576, "x");
    buffer.chunk(Buffer.from("small "));
    buffer.chunk(mebibyte);
    deepEqual(source.calls, ["pause"]);
    buffer.end();
    equal(await owner.outcome, "ready");
    deepEqual(source.calls, ["pause", "resume"]);
    equal(store.heldBytes, 0);
    const sent = new Sent();
    buffer.sendTo(sent, 1);
    equal(readFileSync(sent.path, "latin1"), `small ${mebibyte.toString("latin1")}`);
    buffer.release();
  });

  it("leaves no file behind when the client leaves while it is written", async (t) => {
    const folder = folderOf(t);
    const { buffer, owner } = make(folder);
    buffer.chunk(Buffer.alloc(MEMORY_MAX + 1));
    buffer.abort();
    equal(await owner.outcome, "aborted");
    // The store counts on: a second body finds its folder, and at the end nothing is in it.
    while (listing(folder) !== "") await new Promise((resolve) => setImmediate(resolve));
  });

  it("fails with a reason when the file cannot be written", async (t) => {
    const parent = temporaryFolder(t);
    writeFileSync(join(parent, "bodies"), "a file where a folder should be");
    const { buffer, owner } = make(join(parent, "bodies"));
    buffer.chunk(Buffer.alloc(MEMORY_MAX + 1));
    match(await owner.outcome, /could not be written/);
  });

  it("keeps long bodies in memory when there is no folder, within a limit for all", async () => {
    const { buffer, store, owner } = make("");
    buffer.chunk(Buffer.alloc(MEMORY_MAX * 3));
    equal(store.heldBytes, MEMORY_MAX * 3);
    store.take(BODY_MEMORY_TOTAL_MAX - store.heldBytes);
    buffer.chunk(Buffer.from("x"));
    match(await owner.outcome, /no memory is left/);
    equal(store.heldBytes, BODY_MEMORY_TOTAL_MAX - MEMORY_MAX * 3);
  });
});

function listing(folder: string): string {
  try {
    return readdirSync(folder).join(" ");
  } catch {
    return "not made yet";
  }
}
