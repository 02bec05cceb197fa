import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runFront } from "../../harness/running-front.ts";
import { eventually } from "../../harness/wait.ts";

const HOLD = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";
const ASK = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

describe("connections of one client", () => {
  it("are refused beyond their limit, with one line in the log, and taken again when others have closed", async (t) => {
    const run = await runFront(t, { connectionsPerClient: 2 });
    const held = [run.connect(), run.connect()];
    for (const client of held) client.send(HOLD);
    await run.held(2);
    for (let count = 0; count < 3; count += 1) {
      assert.match(await run.connect().untilClosed(), /^HTTP\/1.1 503 /);
    }
    assert.equal(run.front.counters.connectionsRefused, 3);
    assert.equal(run.log.lines.filter((line) => line.startsWith("warning")).length, 1);
    held[0]?.reset();
    await eventually(5_000, "it is gone", () => run.front.counters.connectionsOpen === 1);
    const next = run.connect();
    next.send(ASK);
    assert.match(await next.untilClosed(), /^HTTP\/1.1 200 /);
  });

  it("are as many as a trusted proxy wants", async (t) => {
    const run = await runFront(t, { connectionsPerClient: 1, forwardedAllowIps: ["127.0.0.1"] });
    run.connect().send(HOLD);
    await run.held();
    const other = run.connect();
    other.send(ASK);
    assert.match(await other.untilClosed(), /^HTTP\/1.1 200 /);
  });

  it("are as many as a listener's load balancer wants that tells who the client is", async (t) => {
    const run = await runFront(t, { connectionsPerClient: 1 }, { proxyProtocol: "v1" });
    const preface = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    run.connect().send(preface + HOLD);
    await run.held();
    const other = run.connect();
    other.send(preface + ASK);
    assert.match(await other.untilClosed(), /^HTTP\/1.1 200 /);
  });
});
