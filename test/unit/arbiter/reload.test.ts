import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  beginReload,
  FIRST_START,
  fail,
  isNeeded,
  succeed,
  wantedGeneration,
} from "../../../src/arbiter/reload.ts";

const always = (): boolean => true;
const never = (): boolean => false;

describe("a reload", () => {
  it("keeps the old generation until the new one can fork", () => {
    const reload = beginReload(succeed(FIRST_START));
    assert.equal(wantedGeneration(reload, never), 1);
    assert.equal(wantedGeneration(reload, always), 2);
    assert.ok(isNeeded(reload, 1) && isNeeded(reload, 2));
  });

  it("that fails goes back, and the next one has a new number", () => {
    const failed = fail(beginReload(succeed(FIRST_START)));
    assert.equal(wantedGeneration(failed, always), 1);
    assert.ok(!isNeeded(failed, 2));
    assert.equal(beginReload(failed).coming, 3);
  });

  it("during a reload leaves the unfinished one", () => {
    const reload = beginReload(beginReload(succeed(FIRST_START)));
    assert.deepEqual([reload.proven, reload.coming], [1, 3]);
    assert.ok(!isNeeded(reload, 2));
  });

  it("from nothing is the first start", () => assert.equal(wantedGeneration(FIRST_START, never), 1));
});
