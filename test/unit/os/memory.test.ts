import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { clientMemory, roomForWorkers } from "../../../src/os/memory.ts";

const MIB = 1_048_576;

function room(files: Readonly<Record<string, string>>, pids: readonly number[] = []): number {
  return roomForWorkers((path) => files[path], pids);
}

const available = (mib: number): string => `MemTotal: 9 kB\nMemAvailable:   ${mib * 1024} kB\n`;

describe("room for more workers", () => {
  it("is there where nothing can be known", () => equal(room({}), Number.POSITIVE_INFINITY));

  it("is what the largest worker has, and half as much again", () => {
    const status = (mib: number): string => `Name:\tpython\nVmRSS:\t  ${mib * 1024} kB\n`;
    const workers = { "/proc/1/status": status(40), "/proc/2/status": status(200) };
    equal(room({ ...workers, "/proc/meminfo": available(300) }, [1, 2]), 1);
    equal(room({ ...workers, "/proc/meminfo": available(299) }, [1, 2]), 0);
    equal(room({ ...workers, "/proc/meminfo": available(950) }, [1, 2]), 3);
  });

  it("is bounded by the control group, whose droppable file pages count as free", () => {
    const group = {
      "/proc/meminfo": available(10_000),
      "/proc/self/cgroup": "0::/app\n",
      "/sys/fs/cgroup/app/memory.max": `${500 * MIB}\n`,
      "/sys/fs/cgroup/app/memory.current": `${400 * MIB}\n`,
    };
    equal(room(group), 0);
    equal(room({ ...group, "/sys/fs/cgroup/app/memory.stat": `anon 1\ninactive_file ${50 * MIB}\n` }), 1);
    equal(room({ ...group, "/sys/fs/cgroup/app/memory.max": "max\n" }), 66);
  });
});

describe("memory for what clients leave", () => {
  const share = (files: Readonly<Record<string, string>>): number => clientMemory((path) => files[path]);
  const machine = (mib: number): string => `MemTotal: ${mib * 1024} kB\n`;

  it("is a quarter of the machine's, and no more than a gibibyte", () => {
    equal(share({ "/proc/meminfo": machine(2_048) }), 512 * MIB);
    equal(share({ "/proc/meminfo": machine(100_000) }), 1_024 * MIB);
    equal(share({}), 1_024 * MIB);
  });

  it("is a quarter of what the control group grants, and never next to nothing", () => {
    const group = { "/proc/meminfo": machine(2_048), "/proc/self/cgroup": "0::/app\n" };
    equal(share({ ...group, "/sys/fs/cgroup/app/memory.max": `${512 * MIB}\n` }), 128 * MIB);
    equal(share({ ...group, "/sys/fs/cgroup/app/memory.max": `${100 * MIB}\n` }), 64 * MIB);
  });
});
