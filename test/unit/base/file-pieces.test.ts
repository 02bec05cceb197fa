import assert from "node:assert/strict";
import { fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { Deferred } from "../../../src/base/deferred.ts";
import { FilePieces, type FilePiecesOwner } from "../../../src/base/file-pieces.ts";

const TEXT = "0123456789abcdef";

class Reader implements FilePiecesOwner {
  readonly pieces: string[] = [];
  readonly end: Deferred<string> = new Deferred();
  readonly #file: FilePieces;
  readonly fd: number;

  constructor(t: TestContext, range: { readonly offset: number; readonly length: number }) {
    const folder = mkdtempSync(join(tmpdir(), "tunicorn-pieces-"));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "file"), TEXT);
    this.fd = openSync(join(folder, "file"), "r");
    this.#file = new FilePieces({ fd: this.fd, ...range }, 4, this);
  }

  pull(): void {
    this.#file.pull();
  }

  stop(): void {
    this.#file.stop();
  }

  onFilePiece(bytes: Buffer): void {
    this.pieces.push(bytes.toString());
    this.pull();
  }

  onFileEnd(): void {
    this.end.resolve("end");
  }

  onFileError(message: string): void {
    this.end.resolve(message);
  }
}

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false; // EBADF
  }
}

/** Closing is left to the thread pool. */
async function untilClosed(fd: number): Promise<void> {
  while (isOpen(fd)) await new Promise((resolve) => setImmediate(resolve));
}

describe("the pieces of a file", () => {
  it("come in order, and then the file is closed", async (t) => {
    const reader = new Reader(t, { offset: 2, length: 10 });
    reader.pull();
    assert.equal(await reader.end.promise, "end");
    assert.deepEqual(reader.pieces, ["2345", "6789", "ab"]);
    await untilClosed(reader.fd);
  });

  it("end with a complaint where the file is shorter than was promised", async (t) => {
    const reader = new Reader(t, { offset: 12, length: 6 });
    reader.pull();
    assert.equal(await reader.end.promise, "the file ends 2 bytes early");
    assert.deepEqual(reader.pieces, ["cdef"]);
    await untilClosed(reader.fd);
  });

  it("stop coming at once, and a read under way closes the file", async (t) => {
    const reader = new Reader(t, { offset: 0, length: 16 });
    reader.pull();
    reader.stop();
    reader.stop();
    assert.equal(isOpen(reader.fd), true);
    await untilClosed(reader.fd);
    assert.deepEqual(reader.pieces, []);
  });
});
