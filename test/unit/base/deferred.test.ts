import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Deferred } from "../../../src/base/deferred.ts";

describe("deferred", () => {
  it("resolves with the first value and ignores what follows", async () => {
    const deferred = new Deferred<number>();
    assert.equal(deferred.isSettled, false);
    deferred.resolve(1);
    deferred.resolve(2);
    deferred.reject(new Error("late"));
    assert.equal(await deferred.promise, 1);
    assert.equal(deferred.isSettled, true);
  });

  it("rejects with the reason", async () => {
    const deferred = new Deferred<number>();
    deferred.reject(new Error("no"));
    await assert.rejects(deferred.promise, /no/);
  });
});
