import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configFrom, problemsFrom } from "./support.ts";

describe("--workers", () => {
  it("takes two bounds, and starts with the smaller number", () => {
    const { workers, workersMin, workersMax } = configFrom("-w 2..8 a");
    assert.deepEqual([workers, workersMin, workersMax], [2, 2, 8]);
  });

  it("with one number never adds nor removes workers by itself", () => {
    const { workers, workersMin, workersMax } = configFrom("-w 3 a");
    assert.deepEqual([workers, workersMin, workersMax], [3, 3, 3]);
  });

  for (const value of ["8..2", "0..2", "2..", "..2", "1..2..3", "2...8"]) {
    it(`refuses ${value}`, () => assert.equal(problemsFrom(`-w ${value} a`).length, 1));
  }
});

describe("--health", () => {
  it("is off unless it is asked for, and then /-/", () => {
    assert.equal(configFrom("a").health, "");
    assert.equal(configFrom("--health a").health, "/-/");
    assert.equal(configFrom("a --health").health, "/-/");
  });

  it("takes a prefix, with or without its last slash", () => {
    assert.equal(configFrom("--health /status/deep a").health, "/status/deep/");
    assert.equal(configFrom("--health=/ a").health, "/");
  });

  it("refuses what is no path", () => {
    assert.equal(problemsFrom("--health=/a?b a").length, 1);
    assert.equal(problemsFrom("--health=//a a").length, 1);
  });
});

describe("--drain-delay", () => {
  const kubernetes = { KUBERNETES_SERVICE_HOST: "10.0.0.1" };

  it("is 5 seconds by itself only in Kubernetes and with --health", () => {
    assert.equal(configFrom("a").drainDelayMs, 0);
    assert.equal(configFrom("--health a").drainDelayMs, 0);
    assert.equal(configFrom("a", kubernetes).drainDelayMs, 0);
    assert.equal(configFrom("--health a", kubernetes).drainDelayMs, 5_000);
  });

  it("is what was said, wherever the server runs", () => {
    assert.equal(configFrom("--drain-delay 2 a").drainDelayMs, 2_000);
    assert.equal(configFrom("--drain-delay 0 --health a", kubernetes).drainDelayMs, 0);
  });

  it("leaves half of the graceful timeout to the requests", () => {
    assert.equal(configFrom("--drain-delay 60 --graceful-timeout 10 a").drainDelayMs, 5_000);
  });
});

describe("--statsd-host", () => {
  it("takes UDP addresses and the paths of datagram sockets", () => {
    const target = (host: string): unknown => configFrom(["--statsd-host", host, "a"]).statsd.target;
    assert.deepEqual(target("localhost:8125"), { kind: "udp", host: "localhost", port: 8125 });
    assert.deepEqual(target("[::1]:8125"), { kind: "udp", host: "::1", port: 8125 });
    assert.deepEqual(target("unix:///run/dsd.sock"), { kind: "unix", path: "/run/dsd.sock" });
    assert.deepEqual(configFrom("a").statsd.target, { kind: "off" });
  });

  for (const value of ["localhost", "localhost:0", "localhost:99999", "unix://", "::1:8125"]) {
    it(`refuses ${value}`, () => assert.equal(problemsFrom(`--statsd-host ${value} a`).length, 1));
  }

  it("puts one dot behind the prefix, as gunicorn does", () => {
    assert.equal(configFrom("--statsd-prefix shop.. a").statsd.prefix, "shop.");
    assert.equal(configFrom("a").statsd.prefix, "");
  });

  it("refuses tags that would break a datagram", () => {
    assert.equal(problemsFrom(["--dogstatsd-tags", "a:b|c", "a"]).length, 1);
    assert.equal(configFrom("--dogstatsd-tags env:prod,team:shop a").statsd.tags, "env:prod,team:shop");
  });
});

describe("--control-socket", () => {
  it("is wanted unless refused, for its owner alone", () => {
    assert.deepEqual(configFrom("a").controlSocket, { isWanted: true, path: "", mode: 0o600 });
    assert.equal(configFrom("--no-control-socket a").controlSocket.isWanted, false);
    const { path, mode } = configFrom(
      "--control-socket run/x.sock --control-socket-mode 660 a",
    ).controlSocket;
    assert.deepEqual([path, mode], ["/srv/run/x.sock", 0o660]);
  });
});
