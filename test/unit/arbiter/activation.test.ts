import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { activatedAddresses, withoutActivation } from "../../../src/arbiter/activation.ts";

describe("socket activation", () => {
  it("names descriptors from 3 on when it is meant for this process", () => {
    assert.deepEqual(activatedAddresses({ LISTEN_PID: "7", LISTEN_FDS: "2" }, 7), [
      { kind: "fd", fd: 3 },
      { kind: "fd", fd: 4 },
    ]);
  });

  it("is ignored when meant for another process, or when its count is no count", () => {
    assert.deepEqual(activatedAddresses({ LISTEN_PID: "8", LISTEN_FDS: "2" }, 7), []);
    for (const LISTEN_FDS of [undefined, "", "0", "-1", "1.5", "many", "99999"]) {
      assert.deepEqual(activatedAddresses({ LISTEN_PID: "7", LISTEN_FDS }, 7), []);
    }
  });

  it("is hidden from children", () => {
    assert.deepEqual(
      withoutActivation({ LISTEN_PID: "7", LISTEN_FDS: "2", LISTEN_FDNAMES: "a", PATH: "/bin" }),
      {
        PATH: "/bin",
      },
    );
  });
});
