import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { ShedLog } from "../../../src/handlers/shed-log.ts";
import { MemoryLog } from "../../harness/front-parts.ts";

describe("the log of requests that got 503", () => {
  it("names the first at once, and the others in a sum, the last ones too", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const lines: unknown[] = [];
    const log = new MemoryLog();
    log.warning = (_event, fields) => lines.push(fields);
    const shed = new ShedLog(log, () => 5);
    const said = (): unknown[] => lines.splice(0);
    shed.record("queue-full");
    deepEqual(said(), [{ count: 1, cause: "queue-full", waiting: 5 }]);
    for (let i = 0; i < 3; i += 1) shed.record("queue-full");
    shed.record("queue-timeout");
    deepEqual(said(), []);
    t.mock.timers.tick(10_000);
    deepEqual(said(), [
      { count: 3, cause: "queue-full", waiting: 5 },
      { count: 1, cause: "queue-timeout", waiting: 5 },
    ]);
    t.mock.timers.tick(10_000);
    shed.record("queue-full");
    deepEqual(said(), [{ count: 1, cause: "queue-full", waiting: 5 }]);
  });
});
