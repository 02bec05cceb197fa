import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countWorkers, parseCpuList, readMachineFacts } from "../../../src/os/cpus.ts";

const GIB = 2 ** 30;
const BIG = { cpus: 64, memoryTotal: 256 * GIB };

/** A machine of which only these files can be read. */
function machine(files: Readonly<Record<string, string>>): (path: string) => string | undefined {
  return (path) => files[path];
}

describe("workers that a machine has room for", () => {
  const plain = { cpusAllowed: 8, cpuQuota: undefined, memoryLimit: undefined, memoryTotal: 16 * GIB };
  for (const [title, facts, workers] of [
    ["are its CPUs", plain, 8],
    ["are bounded by the quota", { ...plain, cpuQuota: 2 }, 2],
    ["round a part of a CPU up", { ...plain, cpuQuota: 1.5 }, 2],
    ["are one on a sliver of a CPU", { ...plain, cpuQuota: 0.1 }, 1],
    ["are bounded by the memory limit", { ...plain, memoryLimit: 350 * 2 ** 20 }, 3],
    ["are one in very little memory", { ...plain, memoryLimit: 10 * 2 ** 20 }, 1],
    ["are bounded by the machine's memory", { ...plain, memoryTotal: 500 * 2 ** 20 }, 5],
  ] as const) {
    it(title, () => assert.equal(countWorkers(facts).workers, workers));
  }

  it("come with their arithmetic", () => {
    const { arithmetic } = countWorkers({ ...plain, cpuQuota: 1.5, memoryLimit: GIB });
    assert.equal(
      arithmetic,
      "--workers auto: 2 = min(8 CPUs allowed, quota of 1.5 CPUs, memory limit 1024 MiB / 100 MiB a worker = 10)",
    );
  });
});

describe("machine facts", () => {
  it("are Node's where the kernel tells nothing", () => {
    assert.deepEqual(readMachineFacts(machine({}), BIG), {
      cpusAllowed: 64,
      cpuQuota: undefined,
      memoryLimit: undefined,
      memoryTotal: 256 * GIB,
    });
  });

  it("read cgroup 2, the tightest of a group and its parents", () => {
    const facts = readMachineFacts(
      machine({
        "/proc/self/cgroup": "0::/a/b\n",
        "/sys/fs/cgroup/a/cpu.max": "150000 100000\n",
        "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
        "/sys/fs/cgroup/a/memory.max": "max\n",
        "/sys/fs/cgroup/a/b/memory.max": "536870912\n",
        "/proc/self/status": "Name:\tnode\nCpus_allowed_list:\t0-3,8\n",
      }),
      BIG,
    );
    assert.deepEqual(facts, {
      cpusAllowed: 5,
      cpuQuota: 1.5,
      memoryLimit: 536870912,
      memoryTotal: 256 * GIB,
    });
  });

  it("read cgroup 2 of a container, where only the mount is visible", () => {
    const files = machine({ "/proc/self/cgroup": "0::/../x\n", "/sys/fs/cgroup/cpu.max": "50000 100000\n" });
    assert.equal(readMachineFacts(files, BIG).cpuQuota, 0.5);
  });

  it("read cgroup 1", () => {
    const files = machine({
      "/proc/self/cgroup": "5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n0::/\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us": "200000\n",
      "/sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      "/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "268435456\n",
    });
    const facts = readMachineFacts(files, BIG);
    assert.equal(facts.cpuQuota, 2);
    assert.equal(facts.memoryLimit, 268435456);
  });

  it("of this machine make at least one worker", () => {
    assert.ok(countWorkers(readMachineFacts()).workers >= 1);
  });

  it("count CPUs in the kernel's lists", () => {
    assert.equal(parseCpuList("0"), 1);
    assert.equal(parseCpuList("0-3,8,10-11"), 7);
    for (const list of ["", "x", "0-", "3-0", undefined]) assert.equal(parseCpuList(list), undefined);
  });
});
