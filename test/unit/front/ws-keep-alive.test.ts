import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { KeepAlive } from "../../../src/front/ws-keep-alive.ts";

describe("WebSocket keep-alive", () => {
  it("pings at its interval while answers come", () => {
    const keepAlive = new KeepAlive({ intervalMs: 20, timeoutMs: 20 }, 0);
    equal(keepAlive.atMs, 20);
    equal(keepAlive.judge(19), "wait");
    for (let ms = 20; ms <= 100; ms += 20) {
      equal(keepAlive.judge(ms), "ping");
      keepAlive.excuse();
    }
  });

  it("gives a client up that is silent for the timeout after a ping", () => {
    const keepAlive = new KeepAlive({ intervalMs: 20, timeoutMs: 30 }, 0);
    equal(keepAlive.judge(20), "ping");
    equal(keepAlive.atMs, 40);
    equal(keepAlive.judge(40), "ping");
    equal(keepAlive.judge(49), "wait");
    equal(keepAlive.judge(50), "dead");
  });

  it("waits less long than until the next ping when told so", () => {
    const keepAlive = new KeepAlive({ intervalMs: 100, timeoutMs: 10 }, 0);
    equal(keepAlive.judge(100), "ping");
    equal(keepAlive.atMs, 110);
    equal(keepAlive.judge(110), "dead");
  });

  it("never pings at an interval of 0, never gives up at a timeout of 0", () => {
    equal(new KeepAlive({ intervalMs: 0, timeoutMs: 20 }, 0).atMs, 0);
    equal(new KeepAlive({ intervalMs: 0, timeoutMs: 20 }, 0).judge(1e9), "wait");
    const patient = new KeepAlive({ intervalMs: 20, timeoutMs: 0 }, 0);
    equal(patient.judge(20), "ping");
    equal(patient.judge(40), "ping");
  });
});
