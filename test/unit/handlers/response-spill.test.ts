// What waits on disk for a slow client: with real files, and a client and a worker that the test plays. Random tests print their seed.

import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { ResponseSpill, type SpillOwner } from "../../../src/handlers/response-spill.ts";
import { MEMORY_FOLDER_BYTES_MAX, SpillStore } from "../../../src/handlers/spill-store.ts";
import type { Log } from "../../../src/log/log.ts";
import { turn } from "../../harness/app-stage.ts";
import { quietLog } from "../../harness/front-parts.ts";
import { eventually } from "../../harness/wait.ts";
import { Random } from "../../simulation/random.ts";

const MB = 1_048_576;

class Ends implements SpillOwner {
  readonly pieces: Buffer[] = [];
  takenBytes = 0;
  givenBytes = 0;
  end = "";

  onSpillPiece(bytes: Uint8Array): void {
    this.pieces.push(Buffer.from(bytes));
    this.givenBytes += bytes.length;
  }
  onSpillTaken(bytes: number): void {
    this.takenBytes += bytes;
  }
  onSpillEnd(trailers: Uint8Array | undefined): void {
    this.end = `ended ${trailers ?? ""}`;
  }
  onSpillFailed(reason: string): void {
    this.end = `failed ${reason}`;
  }
}

interface Stage {
  readonly store: SpillStore;
  readonly ends: Ends;
  readonly spill: ResponseSpill;
  readonly folder: string;
  readonly said: string[];
}

function stage(
  t: TestContext,
  options: { bytesMax?: number; total?: number; ahead?: number; folder?: string } = {},
): Stage {
  const parent = mkdtempSync(join(tmpdir(), "tunicorn-test-"));
  // A file may be on its way into the folder that is being emptied.
  t.after(() => rmSync(parent, { recursive: true, force: true, maxRetries: 10, retryDelay: 10 }));
  const folder = options.folder ?? join(parent, "bodies");
  const said: string[] = [];
  const store = new SpillStore({
    folder,
    bytesMax: options.bytesMax ?? 100 * MB,
    totalBytesMax: options.total ?? 100 * MB,
    log: { ...quietLog, error: (message: string) => said.push(message) } as Log,
    nowMs: () => 0,
  });
  const ends = new Ends();
  const spill = new ResponseSpill(store, ends, options.ahead ?? 0);
  return { store, ends, spill, folder, said };
}

/** Descriptors of this process whose file lay in `folder`. */
function openFiles(folder: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(folder) ? [target] : [];
    } catch {
      return []; // the descriptor of this very listing
    }
  });
}

describe("a response whose client reads as fast as it comes", () => {
  it("never touches the disk", async (t) => {
    const { spill, ends, folder, store } = stage(t);
    for (let i = 0; i < 100; i++) {
      spill.write(Buffer.alloc(100_000, i));
      spill.drained(100_000);
    }
    spill.end();
    await turn();
    assert.equal(ends.givenBytes, 10_000_000);
    assert.equal(ends.takenBytes, 10_000_000);
    assert.equal(ends.end, "ended ");
    assert.equal(store.heldBytes, 0);
    assert.deepEqual(openFiles(folder), []);
  });
});

describe("a response whose client reads slowly", () => {
  it("goes to a file without a name, so that the worker may go on", async (t) => {
    const { spill, ends, folder, store } = stage(t, { ahead: MB });
    for (let i = 0; i < 10; i++) {
      spill.write(Buffer.alloc(MB, i));
      await eventually(2_000, "taken", () => ends.takenBytes === (i + 1) * MB);
    }
    assert.equal(ends.givenBytes, 0);
    assert.equal(store.heldBytes, 10 * MB);
    assert.deepEqual(readdirSync(folder), []);
    assert.equal(openFiles(folder).length, 1);
    spill.end(Buffer.from("trailers"));
    assert.equal(ends.end, "");
    spill.drained(MB);
    for (let drained = 0; drained < 10 * MB; ) {
      await eventually(2_000, "given", () => ends.givenBytes > drained);
      const bytes: number = ends.givenBytes - drained;
      assert.ok(bytes <= MB);
      drained += bytes;
      spill.drained(bytes);
    }
    await eventually(2_000, "ended", () => ends.end === "ended trailers");
    assert.ok(
      Buffer.concat(ends.pieces).equals(
        Buffer.concat(Array.from({ length: 10 }, (_, i) => Buffer.alloc(MB, i))),
      ),
    );
    assert.equal(store.heldBytes, 0);
    await eventually(2_000, "closed", () => openFiles(folder).length === 0);
  });

  it("leaves no descriptor behind when it is given up, at whatever moment", async (t) => {
    for (let turns = 0; turns < 12; turns++) {
      const { spill, ends, folder, store } = stage(t, { ahead: MB });
      spill.write(Buffer.alloc(MB));
      for (let i = 0; i < turns; i++) await turn();
      if (turns > 6) spill.drained(MB);
      spill.discard();
      spill.discard();
      await eventually(2_000, "closed", () => openFiles(folder).length === 0 && store.heldBytes === 0);
      assert.equal(ends.end, "");
    }
  });

  it("waits in memory, and its worker with it, when its file may not grow", async (t) => {
    const { spill, ends, store } = stage(t, { ahead: MB, bytesMax: MB });
    spill.write(Buffer.alloc(MB, 1));
    await eventually(2_000, "taken", () => ends.takenBytes === MB);
    spill.write(Buffer.alloc(MB, 2));
    for (let i = 0; i < 10; i++) await turn();
    assert.equal(ends.takenBytes, MB);
    assert.equal(store.heldBytes, MB);
    spill.drained(MB);
    await drainAll(spill, ends, 2 * MB);
    assert.equal(ends.takenBytes, 2 * MB);
  });

  it("waits in memory when all files together may not grow", async (t) => {
    const { spill, ends, store } = stage(t, { ahead: MB, total: MB });
    assert.ok(store.take(1));
    spill.write(Buffer.alloc(MB, 1));
    for (let i = 0; i < 10; i++) await turn();
    assert.equal(ends.takenBytes, 0);
    spill.drained(MB);
    await drainAll(spill, ends, MB);
    assert.equal(store.heldBytes, 1);
  });

  it("waits in memory, with one line in the log, when there is no room on the disk", async (t) => {
    const place = mkdtempSync(join(tmpdir(), "tunicorn-test-"));
    t.after(() => rmSync(place, { recursive: true, force: true }));
    writeFileSync(join(place, "file"), "");
    const { spill, ends, said } = stage(t, { ahead: MB, folder: join(place, "file") });
    spill.write(Buffer.alloc(MB, 1));
    await eventually(2_000, "said", () => said.length === 1);
    spill.write(Buffer.alloc(10, 2));
    spill.end();
    assert.equal(ends.takenBytes, 0);
    spill.drained(MB);
    await drainAll(spill, ends, MB + 10);
    assert.match(said.join(), /cannot go to disk/);
    assert.equal(said.length, 1);
    assert.equal(ends.end, "ended ");
  });

  it("keeps its order when a part is in the file and the rest in memory", async (t) => {
    const { spill, ends } = stage(t, { ahead: MB });
    spill.write(Buffer.alloc(10, 1));
    await eventually(2_000, "taken", () => ends.takenBytes === 10);
    spill.write(Buffer.alloc(10, 2));
    spill.end();
    spill.drained(MB);
    await drainAll(spill, ends, 20);
    assert.deepEqual([...Buffer.concat(ends.pieces)], [...Buffer.alloc(10, 1), ...Buffer.alloc(10, 2)]);
  });
});

describe("a folder that lies in memory", () => {
  it("holds little, whatever the settings say", { skip: noMemoryFolder() }, async (t) => {
    const folder = mkdtempSync("/dev/shm/tunicorn-test-");
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const { store } = stage(t, { folder, total: 10 * MEMORY_FOLDER_BYTES_MAX });
    const fd = await new Promise<number | undefined>((resolve) => store.open(resolve));
    closeSync(fd ?? -1);
    assert.ok(store.take(MEMORY_FOLDER_BYTES_MAX));
    assert.ok(!store.take(1));
  });
});

describe("any response to any client", () => {
  it("comes out as it went in, and holds no more than it may", async (t) => {
    const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    const chance = new Random(seed);
    const random = (): number => chance.next();
    for (let round = 0; round < 20; round++) {
      const what = `seed ${seed}, round ${round}`;
      const ahead = random() < 0.5 ? MB : 0;
      const { spill, ends, store } = stage(t, {
        ahead,
        bytesMax: Math.floor(random() * 3 * MB) + 1,
        total: 2 * MB,
      });
      const body = Buffer.alloc(Math.floor(random() * 6 * MB));
      for (let i = 0; i + 4 < body.length; i += 4) body.writeInt32LE(i, i);
      let written = 0;
      let drained = -ahead;
      while (ends.end === "") {
        // The worker has a window of 1 MB.
        const room = MB - (written - ends.takenBytes);
        const to = Math.min(body.length, written + Math.floor(random() * room));
        if (to > written) spill.write(Buffer.from(body.subarray(written, to)));
        if (written < body.length && to === body.length) spill.end();
        else if (body.length === 0 && written === 0) spill.end();
        written = to;
        assert.ok(store.heldBytes <= 2 * MB, what);
        assert.ok(written - ends.takenBytes <= MB, what);
        if (random() < 0.5) await turn();
        const bytes = Math.floor(random() * (ends.givenBytes - drained + 1));
        drained += bytes;
        if (bytes > 0 && ends.end === "") spill.drained(bytes);
        await turn();
        if (body.length === 0) break;
      }
      assert.ok(Buffer.concat(ends.pieces).equals(body), what);
      assert.equal(store.heldBytes, 0, what);
    }
  });
});

function noMemoryFolder(): false | string {
  return existsSync("/dev/shm") ? false : "there is no /dev/shm";
}

async function drainAll(spill: ResponseSpill, ends: Ends, total: number): Promise<void> {
  for (let drained = 0; drained < total; ) {
    await eventually(2_000, `more than ${drained} of ${total}`, () => ends.givenBytes > drained);
    const bytes = ends.givenBytes - drained;
    drained += bytes;
    spill.drained(bytes);
  }
}
