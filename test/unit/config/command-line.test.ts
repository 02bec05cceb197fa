import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseCommandLine } from "../../../src/config/command-line.ts";
import { configFrom, problemsFrom } from "./support.ts";

describe("command line", () => {
  for (const [command, workers] of [
    ["-w 4 a", 4],
    ["-w4 a", 4],
    ["-w=4 a", 4],
    ["--workers 4 a", 4],
    ["--workers=4 a", 4],
    ["a --workers 4", 4],
    ["-w 2 a -w 4", 4],
    ["--workers 4 -- a", 4],
  ] as const) {
    it(`reads ${command}`, () => {
      const config = configFrom(command);
      assert.equal(config.workers, workers);
      assert.equal(config.app, "a");
    });
  }

  it("adds up flags that repeat", () => {
    const config = configFrom(["-b", ":1", "--bind=:2", "-b:3", "-e", "A=1", "-eB=x=y", "a"]);
    assert.deepEqual(
      config.bind.map((address) => address.kind === "tcp" && address.port),
      [1, 2, 3],
    );
    assert.deepEqual(config.env, [
      ["A", "1"],
      ["B", "x=y"],
    ]);
  });

  it("takes a lone dash for a value", () => {
    assert.equal(configFrom("--access-logfile - a").accessLog, "-");
  });

  it("takes several switches in one word", () => {
    const { layer, problems } = parseCommandLine(["-DRw4", "a"]);
    assert.deepEqual(problems, []);
    assert.deepEqual([...layer.keys()].sort(), ["daemon", "enable_stdio_inheritance", "workers", "wsgi_app"]);
    assert.equal(layer.get("workers")?.given, "4");
  });

  it("lets --no-x and --x=false turn a switch off", () => {
    assert.equal(configFrom("a").serverHeader, true);
    assert.equal(configFrom("--no-server-header a").serverHeader, false);
    assert.equal(configFrom("--server-header=false a").serverHeader, false);
    assert.equal(configFrom("--no-server-header --server-header a").serverHeader, true);
    assert.equal(configFrom("--access-log a").accessLog, "-");
    assert.equal(configFrom("--access-logfile x --no-access-log a").accessLog, "");
  });

  it("takes an optional value only where it is one", () => {
    assert.equal(configFrom("--proxy-protocol app:app").listeners[0]?.proxyProtocol, "auto");
    assert.equal(parseCommandLine(["--proxy-protocol", "app:app"]).layer.get("wsgi_app")?.given, "app:app");
    assert.equal(parseCommandLine(["--proxy-protocol", "v2", "a"]).layer.get("proxy_protocol")?.given, "v2");
    assert.equal(configFrom("--proxy-protocol off app:app").app, "app:app");
  });

  it("hears -h, --help, -v and --version anywhere", () => {
    assert.ok(parseCommandLine(["-w", "4", "-h"]).wantsHelp);
    assert.ok(parseCommandLine(["--help"]).wantsHelp);
    assert.ok(parseCommandLine(["-v"]).wantsVersion);
    assert.ok(!parseCommandLine(["--", "--help"]).wantsHelp);
  });

  for (const [command, message] of [
    ["--wrokers 4 a", "--wrokers: no such option; did you mean --workers?"],
    ["--thread 4 a", "--thread: no such option; did you mean --threads?"],
    ["--keepalive 4 a", "--keepalive: no such option; did you mean --keep-alive?"],
    ["--worker-clas sync a", "--worker-clas: no such option; did you mean --worker-class?"],
    ["--zzzzzzzzz a", "--zzzzzzzzz: no such option"],
    ["-Z a", "-Z: no such option"],
    ["-w", "-w: a value is missing: -w N|N..N|auto"],
    ["--bind --workers=1 a", "--bind: a value is missing: --bind ADDRESS"],
    ["a b", 'APP "b": one application is served at a time'],
    ["--no-date-header=1 a", '--no-date-header "1": this option takes no value'],
  ] as const) {
    it(`refuses ${command}`, () => assert.deepEqual(problemsFrom(command), [message]));
  }
});
