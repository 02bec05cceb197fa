import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, it } from "node:test";
import type { Config } from "../../../src/config/config.ts";
import { measureLogLine, measureRequest } from "../../../src/metrics/gunicorn.ts";
import { StatsdBatch } from "../../../src/metrics/statsd-batch.ts";
import { StatsdSender } from "../../../src/metrics/statsd-sender.ts";
import { ManualClock } from "../../harness/manual-clock.ts";

const PLAIN = { prefix: "", tags: "", bytesMax: 1_432 };

describe("statsd batch", () => {
  it("names what it measures as gunicorn does", () => {
    const batch = new StatsdBatch(PLAIN);
    measureRequest(batch, { status: 200, elapsedMs: 1.23456 });
    measureRequest(batch, { status: 404, elapsedMs: 2 });
    measureLogLine(batch, "warning");
    batch.gauge("gunicorn.workers", 2);
    deepEqual(batch.take(), [
      [
        "gunicorn.workers:2|g",
        "gunicorn.requests:2|c",
        "gunicorn.request.status.200:1|c",
        "gunicorn.request.status.404:1|c",
        "gunicorn.log.warning:1|c",
        "gunicorn.request.duration:1.235|ms",
        "gunicorn.request.duration:2|ms",
      ].join("\n"),
    ]);
  });

  it("gives each line prefix and tags", () => {
    const batch = new StatsdBatch({ ...PLAIN, prefix: "shop.", tags: "env:prod,team:web" });
    batch.count("gunicorn.requests");
    deepEqual(batch.take(), ["shop.gunicorn.requests:1|c|#env:prod,team:web"]);
  });

  it("counts no status where nothing was answered", () => {
    const batch = new StatsdBatch(PLAIN);
    measureRequest(batch, { status: 0, elapsedMs: 1 });
    equal(batch.take().join("\n").includes("status"), false);
  });

  it("fills datagrams up to their limit, line by line", () => {
    const batch = new StatsdBatch({ ...PLAIN, bytesMax: 100 });
    for (let i = 0; i < 50; i += 1) batch.time("gunicorn.request.duration", i);
    const datagrams = batch.take();
    ok(datagrams.every((datagram) => datagram.length <= 100));
    equal(datagrams.join("\n").split("\n").length, 50);
  });

  it("holds a bounded number of timings, and begins anew after each batch", () => {
    const batch = new StatsdBatch(PLAIN);
    for (let i = 0; i < 30_000; i += 1) measureRequest(batch, { status: 200, elapsedMs: 1 });
    const lines = batch.take().join("\n").split("\n");
    equal(lines.filter((line) => line.includes("duration")).length, 20_000);
    ok(lines.includes("gunicorn.requests:30000|c"));
    deepEqual(batch.take(), []);
  });
});

function senderTo(target: Config["statsd"]["target"]): {
  sender: StatsdSender;
  clock: ManualClock;
  unix: string[];
  problem: Promise<string>;
} {
  const clock = new ManualClock();
  const unix: string[] = [];
  const { promise: problem, resolve } = Promise.withResolvers<string>();
  const sender = new StatsdSender({
    config: { target, prefix: "", tags: "", hasBacklog: false },
    clock,
    sendUnix: (address, text) => unix.push(`${address} ${text}`),
    onProblem: resolve,
  });
  return { sender, clock, unix, problem };
}

describe("statsd sender", () => {
  it("sends by UDP what was gathered before its socket was open, and after", async (t) => {
    const server = createSocket("udp4").bind(0, "127.0.0.1");
    t.after(() => server.close());
    await once(server, "listening");
    const { sender } = senderTo({ kind: "udp", host: "127.0.0.1", port: server.address().port });
    sender.batch.count("gunicorn.requests");
    const [first] = await once(server, "message");
    equal(String(first), "gunicorn.requests:1|c");
    sender.batch.count("gunicorn.requests", 2);
    const second = once(server, "message");
    sender.close();
    equal(String((await second)[0]), "gunicorn.requests:2|c");
  });

  it("sends at most once a second, and sets no timer while there is nothing", () => {
    const { sender, clock, unix } = senderTo({ kind: "unix", path: "/run/dsd.sock" });
    equal(clock.timers, 0);
    sender.batch.count("gunicorn.requests");
    sender.want();
    sender.want();
    clock.advance(999);
    deepEqual(unix, []);
    clock.advance(1);
    deepEqual(unix, ["/run/dsd.sock gunicorn.requests:1|c"]);
    equal(clock.timers, 0);
  });

  it("goes on without a server, and says so", async () => {
    const { sender, problem } = senderTo({ kind: "udp", host: "no-such-host.invalid", port: 8125 });
    match(await problem, /ENOTFOUND|EAI_AGAIN/);
    sender.batch.count("gunicorn.requests");
    sender.flush();
    sender.close();
  });

  it("goes on where no socket can be connected to the address, and says so", async () => {
    // Nobody may send there without SO_BROADCAST: connect(2) fails, as it does where no route leads.
    const { sender, problem } = senderTo({ kind: "udp", host: "255.255.255.255", port: 8125 });
    sender.batch.count("gunicorn.requests");
    match(await problem, /connect/);
    sender.batch.count("gunicorn.requests");
    sender.flush();
    sender.close();
  });
});
