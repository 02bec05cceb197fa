import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Commanded, ControlCommands } from "../../../src/arbiter/control-commands.ts";
import type { ArbiterView } from "../../../src/arbiter/view.ts";

function viewOf(...pids: readonly number[]): ArbiterView {
  return {
    phase: "serving",
    isDegraded: false,
    apps: [],
    fronts: pids.map((pid, nr) => ({ nr, pid, state: "ready" })),
  };
}

describe("the command status", () => {
  it("gives each front its own figures, though one is replaced meanwhile", async () => {
    let view = viewOf(1, 2);
    const arbiter = {
      view: () => view,
      askFronts: async () => {
        view = viewOf(2, 3);
        return [{ counters: { running: 10 } }, { counters: { running: 20 } }];
      },
    } as unknown as Commanded;
    const commands = new ControlCommands({
      arbiter,
      version: "1",
      pid: 9,
      startedAtMs: 0,
      addresses: () => [],
      nowMs: () => 0,
    });
    const { fronts } = (await commands.answer({ type: "status" })) as unknown as {
      readonly fronts: readonly { readonly pid: number; readonly counters: unknown }[];
    };
    assert.deepEqual(
      fronts.map(({ pid, counters }) => [pid, counters]),
      [
        [1, { running: 10 }],
        [2, { running: 20 }],
      ],
    );
  });
});
