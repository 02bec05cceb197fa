import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { peerOfVariables } from "../../../src/front/gateway-peer.ts";
import type { AppConfig } from "../../../src/handlers/app-ports.ts";
import { EnvironMaker } from "../../../src/handlers/environ.ts";
import { IgnoredForwarding } from "../../../src/handlers/ignored-forwarding.ts";
import { ScopeMaker } from "../../../src/handlers/scope.ts";
import { Trust } from "../../../src/handlers/trust.ts";
import { marshalInt, marshalText } from "../../../src/wire/marshal-writer.ts";
import { appConfig } from "../../harness/app-config.ts";
import { FakeExchange, type FakeRequest } from "../../harness/fake-exchange.ts";
import { MemoryLog } from "../../harness/front-parts.ts";

const FORWARDED = ["Host", "a", "X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "https"];
const VARIABLES = [
  ...[
    "REMOTE_ADDR",
    "203.0.113.9",
    "REMOTE_PORT",
    "4711",
    "SERVER_NAME",
    "example.org",
    "SERVER_PORT",
    "443",
  ],
  ...["HTTPS", "on", "SERVER_PROTOCOL", "HTTP/2.0", "REMOTE_USER", "ann", "OWN", "1"],
  ...["SCRIPT_NAME", "/a b", "PATH_INFO", "/x/y"],
];

/** As a front hands it over. */
function brought(changes: FakeRequest = {}): FakeExchange {
  const server = new FakeExchange().peer;
  return new FakeExchange({
    target: "/a%20b/x%2Fy",
    variables: VARIABLES,
    peer: peerOfVariables(VARIABLES, server),
    ...changes,
  });
}

function lines(peers: readonly string[], config: Partial<AppConfig> = {}): string[] {
  const log = new MemoryLog();
  const trust = new Trust(
    appConfig({ forwardedAllowIps: ["127.0.0.1"], ...config }),
    new IgnoredForwarding(log),
  );
  for (const remoteAddress of peers) {
    const { head, peer } = new FakeExchange({ fields: FORWARDED, peer: { remoteAddress } });
    trust.judge(head, peer);
  }
  return log.lines;
}

describe("what is believed on one connection", () => {
  it("follows each application's own rules, and those of a reload", () => {
    const { head, peer } = new FakeExchange({ fields: FORWARDED, peer: { remoteAddress: "172.17.0.1" } });
    const believing = new Trust(appConfig({ forwardedAllowIps: ["*"] }));
    const doubting = new Trust(appConfig({ forwardedAllowIps: ["127.0.0.1"] }));
    equal(believing.judge(head, peer).client?.host, "203.0.113.9");
    equal(doubting.judge(head, peer).client, undefined);
    equal(doubting.judge(head, peer).scheme, "http");
    equal(believing.judge(head, peer).scheme, "https");
  });

  it("is judged once while the rules are the same", () => {
    const { head, peer } = new FakeExchange({ fields: FORWARDED });
    const trust = new Trust(appConfig({}));
    equal(trust.judge(head, peer), trust.judge(head, peer));
  });
});

describe("forwarding fields that are not believed", () => {
  it("are named once for each peer, with the option that would believe them", () => {
    deepEqual(lines(["172.17.0.1", "172.17.0.1"]), [
      "warning X-Forwarded-For from 172.17.0.1 was ignored; to believe it: --forwarded-allow-ips=172.17.0.1",
    ]);
  });

  it("fill no log, whoever sends them", () => {
    equal(lines(Array.from({ length: 50 }, (_, index) => `198.51.100.${index}`)).length, 4);
  });

  it("are nothing to talk of where the peer is trusted, or nobody is to be believed", () => {
    deepEqual(lines(["127.0.0.1"]), []);
    deepEqual(lines(["172.17.0.1"], { proxyHeaders: "off" }), []);
  });
});

describe("a request that a web server brought", () => {
  it("gives WSGI the web server's variables as they are", () => {
    const { head, peer } = brought();
    const config = appConfig({});
    const environ = new EnvironMaker(config).encode(head, new Trust(config).judge(head, peer), 0);
    for (const [name, value] of [
      ["REMOTE_ADDR", "203.0.113.9"],
      ["REMOTE_PORT", "4711"],
      ["SERVER_NAME", "example.org"],
      ["SERVER_PORT", "443"],
      ["SERVER_PROTOCOL", "HTTP/2.0"],
      ["REMOTE_USER", "ann"],
      ["HTTPS", "on"],
      ["OWN", "1"],
      ["SCRIPT_NAME", "/a b"],
      ["PATH_INFO", "/x/y"],
      ["wsgi.url_scheme", "https"],
      ["RAW_URI", "/a%20b/x%2Fy"],
    ] as const) {
      ok(environ.includes(marshalText(name) + marshalText(value)), name);
    }
    equal(environ.split(marshalText("PATH_INFO")).length, 2);
  });

  it("gives ASGI client, server, scheme and root_path by them", () => {
    const { head, peer } = brought();
    const config = appConfig({});
    const scope = new ScopeMaker(config).encodeHttp(head, new Trust(config).judge(head, peer));
    ok(scope.includes(marshalText("203.0.113.9") + marshalInt(4711)));
    ok(scope.includes(marshalText("example.org") + marshalInt(443)));
    ok(scope.includes(marshalText("scheme") + marshalText("https")));
    ok(scope.includes(marshalText("root_path") + marshalText("/a b")));
    ok(scope.includes(marshalText("path") + marshalText("/a b/x/y")));
  });

  it("is not spoken for by its client's forwarding fields, and nobody is told to believe these", () => {
    const log = new MemoryLog();
    const trust = new Trust(appConfig({}), new IgnoredForwarding(log));
    const { head, peer } = brought({ fields: ["Host", "a", "X-Forwarded-For", "1.1.1.1"] });
    equal(trust.judge(head, peer).client, undefined);
    deepEqual(log.lines, []);
    const behind = new Trust(appConfig({ forwardedAllowIps: ["203.0.113.0/24"] }));
    const again = brought({ fields: ["Host", "a", "X-Forwarded-For", "1.1.1.1"] });
    equal(behind.judge(again.head, again.peer).client?.host, "1.1.1.1");
  });
});
