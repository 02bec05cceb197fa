import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readSharedMemory } from "../../../src/os/shared-memory.ts";

const ROLLUP = `55d0-7ffd ---p 00000000 00:00 0                          [rollup]
Rss:               46908 kB
Pss:               16551 kB
Pss_Anon:          12000 kB
Shared_Clean:       4000 kB
Shared_Dirty:      39808 kB
Private_Clean:       100 kB
`;

describe("shared memory", () => {
  it("is what the kernel says of a process", () => {
    const paths: string[] = [];
    const found = readSharedMemory((path) => {
      paths.push(path);
      return ROLLUP;
    }, 7);
    assert.deepEqual(found, { sharedKib: 43_808, proportionalKib: 16_551 });
    assert.deepEqual(paths, ["/proc/7/smaps_rollup"]);
  });

  it("is unknown where nobody says, or something else is said", () => {
    for (const text of [undefined, "", "Rss: 1 kB\n"])
      assert.equal(
        readSharedMemory(() => text, 7),
        undefined,
      );
  });
});
