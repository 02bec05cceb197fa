import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ServerHooks } from "../../../src/arbiter/server-hooks.ts";

const names = (calls: readonly { readonly name: string }[]): string[] => calls.map(({ name }) => name);

describe("hooks of the server", () => {
  it("tell the number of workers, then on_starting, then when_ready", () => {
    const calls = new ServerHooks().ofStart(1, 2);
    assert.deepEqual(names(calls), ["nworkers_changed", "on_starting", "when_ready"]);
    assert.deepEqual(calls[0]?.values, [2, null]);
  });

  it("are asked for once in each generation, whatever becomes of its forkserver", () => {
    const hooks = new ServerHooks();
    hooks.ofStart(1, 2);
    assert.deepEqual(hooks.ofStart(1, 2), []);
    assert.deepEqual(names(hooks.ofStart(2, 2)), ["on_reload"]);
    assert.deepEqual(hooks.ofStart(1, 2), []);
  });

  it("hear of a number of workers only when it changed, with the one before", () => {
    const hooks = new ServerHooks();
    hooks.ofStart(1, 2);
    assert.deepEqual(hooks.ofScale(2), []);
    assert.deepEqual(hooks.ofScale(3), [{ name: "nworkers_changed", values: [3, 2] }]);
    assert.deepEqual(names(hooks.ofStart(2, 2)), ["nworkers_changed", "on_reload"]);
  });

  it("have a word before a successor is started, and a last one", () => {
    const hooks = new ServerHooks();
    assert.deepEqual(names([...hooks.ofSuccession(), ...hooks.ofEnd()]), ["pre_exec", "on_exit"]);
  });
});
