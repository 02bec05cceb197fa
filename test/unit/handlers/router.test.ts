import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUnrouted } from "../../../src/handlers/router.ts";
import type { BodySink } from "../../../src/http/exchange.ts";
import { NO_FIELDS } from "../../../src/http/fields.ts";
import { FakeExchange, type FakeRequest } from "../../harness/fake-exchange.ts";
import { testRouter } from "../../harness/routes.ts";
import { siteOf } from "../config/site-support.ts";

const SITE = `
[[listeners]]
address = ":1"
name = "inner"
[[routes]]
match = { host = "files.example.org", path = "/*" }
files = "/by-host"
[[routes]]
match.host = "*.example.net"
files = "/wildcard"
[[routes]]
match = { path = "/admin/*", listener = "inner" }
files = "/inner"
[[routes]]
match.path = "/admin/*"
files = "/admin"
[[routes]]
match = { path = "/form", method = ["POST", "PUT"] }
files = "/form"
[[routes]]
match = { path = "/seen", method = "GET" }
files = "/seen"
[[routes]]
match = { path = "/versioned/*", header = { X-Version = "2" } }
files = "/v2"
[[routes]]
match = { path = "/versioned/*", header = { Authorization = "*" } }
files = "/known"
[[routes]]
match.path = ["/static/*", "/favicon.ico"]
files = { root = "/static", strip = false }
[[routes]]
match.path = "/maybe/*"
files = { root = "/absent", optional = true }
[[routes]]
match.path = "/maybe/deep/*"
files = "/deep"
[[routes]]
match.path = "/caf%C3%A9"
files = "/cafe"
[[routes]]
match.path = ["/api/*", "/maybe/*"]
app = "app"
`;

const CASES: readonly (readonly [request: string | FakeRequest, answer: string])[] = [
  ["/static/x", "files /static"],
  ["/static", "files /static"],
  ["/static/", "files /static"],
  ["/statics", "404"],
  ["/favicon.ico", "files /static"],
  ["/favicon.ico/", "404"],
  ["/Static/x", "404"],
  ["/static/x?a=/admin", "files /static"],
  ["/admin", "files /admin"],
  ["/admin/x/y", "files /admin"],
  [{ target: "/admin/x", peer: { listener: "inner" } }, "files /inner"],
  [{ target: "/form", method: "POST" }, "files /form"],
  ["/form", "405 Allow: POST, PUT"],
  [{ target: "/seen", method: "HEAD" }, "files /seen"],
  [{ target: "/seen", method: "POST" }, "405 Allow: GET, HEAD"],
  ["/versioned/a", "404"],
  [{ target: "/versioned/a", fields: ["Host", "x", "x-version", "2"] }, "files /v2"],
  [{ target: "/versioned/a", fields: ["Host", "x", "X-Version", "3"] }, "404"],
  [{ target: "/versioned/a", fields: ["Host", "x", "AUTHORIZATION", "any"] }, "files /known"],
  [{ target: "/whatever", authority: "FILES.example.ORG.:8443" }, "files /by-host"],
  [{ target: "/x", authority: "a.b.example.net" }, "files /wildcard"],
  [{ target: "/api/x", authority: "example.net" }, "app"],
  [{ target: "/api/x", authority: "notexample.net" }, "app"],
  [{ target: "/api/x", authority: "[::1]:80" }, "app"],
  ["/maybe/x", "app"],
  ["/maybe/deep/x", "files /deep"],
  ["/caf%c3%a9", "files /cafe"],
  ["/caf%C3%A9", "files /cafe"],
  [{ target: "*", method: "OPTIONS" }, "404"],
  ["http://files.example.org/x", "404"],
  // What can be read in several ways:
  ["/%61dmin/x", "files /admin"],
  ["/admin%2fx", "400"],
  ["/admin/%2fx", "files /admin"],
  ["/admin/..", "400"],
  ["/admin/%2e%2E/static/x", "400"],
  ["/static/../admin", "400"],
  ["/static/x/../y", "files /static"],
  ["//admin/x", "400"],
  ["/static//x", "files /static"],
  ["/admin;x", "400"],
  ["/admin/..;/static/x", "400"],
  ["/admin\\x", "400"],
  ["/admin%5cx", "400"],
  ["/static/%00", "400"],
  ["/static/%zz", "400"],
  ["/static/100%", "400"],
  ["/..", "400"],
  ["/static/%252e%252e/x", "files /static"],
];

describe("a router", () => {
  const { ask } = testRouter(SITE);
  for (const [request, answer] of CASES) {
    const asked = typeof request === "string" ? { target: request } : request;
    it(`leads ${JSON.stringify(asked)} to ${answer}`, () => assert.equal(ask(asked), answer));
  }

  it("keeps the order in which routes are written", () => {
    const router = testRouter(`
[[routes]]
match = { path = "/a/b/*", method = "PUT" }
respond = 201
[[routes]]
match.path = "/a/*"
respond = { status = 202, body = "x" }
[[routes]]
match = { host = "h", path = "/x" }
respond = { status = 203, body = "x" }
[[routes]]
respond = { status = 204 }
`);
    const put = (target: string): string => router.ask({ target, method: "PUT" });
    assert.deepEqual([put("/a/b"), put("/a/b/c"), put("/a/c")], ["201", "201", "202"]);
    assert.deepEqual([router.ask({ target: "/a/b" }), router.ask({ target: "/x" })], ["202", "204"]);
    assert.equal(router.ask({ target: "/x", authority: "h" }), "203");
    assert.equal(router.ask({ target: "/y", authority: "h" }), "204");
  });

  it("does not grow slow with paths of many segments", () => {
    const target = "/a".repeat(100_000);
    const begun = performance.now();
    assert.equal(ask({ target }), "404");
    assert.ok(performance.now() - begun < 1_000);
  });

  it("gives mounts to the application, and refuses spellings that hide them", () => {
    const site = testRouter('[[routes]]\nmatch.path = "/api/*"\napp = "app"\nmount = true\ntimeout = 5\n');
    assert.equal(site.ask({ target: "/api/x" }), "app");
    assert.deepEqual(site.given().route, { mount: "/api", timeoutMs: 5_000, user: undefined });
    assert.equal(site.ask({ target: "/api/%78" }), "app");
    assert.equal(site.ask({ target: "/%61pi/x" }), "400");
  });

  it("leads no client to internal routes", () => {
    const { ask: question } = testRouter(
      '[[routes]]\nmatch = { path = "/protected/*", internal = true }\nfiles = "/vault"\n[[routes]]\nmatch.path = "/open/*"\nfiles = "/open"\n',
    );
    assert.equal(question({ target: "/protected/x" }), "404");
    assert.equal(question({ target: "/open/x" }), "files /open");
  });

  it("is not needed where one application gets everything", () => {
    const routesOf = (text: string): boolean => isUnrouted(siteOf(text).config.routes);
    assert.equal(routesOf('app = "a"\n'), true);
    assert.equal(routesOf('app = "a"\n[[routes]]\napp = "app"\ncompress = true\n'), true);
    for (const more of [
      'deny = "10.0.0.1"',
      "timeout = 3",
      "max_body = 3",
      'match.path = "/a"',
      'basic_auth = "u"',
    ])
      assert.equal(routesOf(`app = "a"\n[[routes]]\napp = "app"\n${more}\n`), false, more);
  });
});

const REDIRECTS: readonly (readonly [to: string, request: FakeRequest, location: string])[] = [
  ["https://$host$uri", { target: "/a?b=c", authority: "Example.org:8080" }, "https://example.org/a?b=c"],
  ["https://$host$uri", { target: "/a" }, "https://example.org/a"],
  ["$scheme://other.org$path", { target: "/a?b" }, "http://other.org/a"],
  ["/new$path?$query", { target: "/a?b" }, "/new/a?b"],
  ["$path", { target: "//evil.org/x" }, "/evil.org/x"],
  ["/$query", { target: "/x?/\\evil.org" }, "/%5Cevil.org"],
  ["/$query", { target: "/x?//evil.org" }, "/evil.org"],
  ["/x?to=$uri", { target: '/a"<b' }, "/x?to=/a%22%3Cb"],
];

describe("a redirection", () => {
  for (const [to, request, location] of REDIRECTS) {
    it(`to ${to} sends ${request.target} to ${location}`, () => {
      const { ask } = testRouter(`[[routes]]\nredirect = "${to.replaceAll("\\", "\\\\")}"\n`);
      assert.equal(ask(request), `302 Location: ${location}`);
    });
  }

  it("needs a host where one is asked for", () => {
    const { ask } = testRouter('[[routes]]\nredirect = { to = "https://$host/", status = 308 }\n');
    assert.equal(ask({ target: "/", version: "1.0", authority: "", fields: [] }), "400");
    assert.equal(ask({ target: "/" }), "308 Location: https://example.org/");
  });
});

describe("a fixed response", () => {
  it("has status, body and type", () => {
    const { router } = testRouter('[[routes]]\nrespond = { body = "é", type = "text/x" }\n');
    const exchange = new FakeExchange({});
    router.handle(exchange);
    assert.equal(exchange.status, 200);
    assert.equal(exchange.block, "Content-Type: text/x\r\nContent-Length: 2\r\n\r\n");
  });
});

describe("addresses", () => {
  const { ask } = testRouter('[[routes]]\napp = "app"\nallow = ["10.0.0.0/8", "unix"]\ndeny = "10.6.6.6"\n');
  const from = (remoteAddress: string, fields: readonly string[] = []): string =>
    ask({ fields: ["Host", "x", ...fields], peer: { remoteAddress } });

  it("decide who comes", () => {
    assert.equal(from("10.1.2.3"), "app");
    assert.equal(from("::ffff:10.1.2.3"), "app");
    assert.equal(from("10.6.6.6"), "403");
    assert.equal(from("11.1.2.3"), "403");
    assert.equal(ask({ peer: { remoteAddress: "", isUnix: true } }), "app");
  });

  it("are those that trusted proxies tell, and nobody else", () => {
    assert.equal(from("127.0.0.1", ["X-Forwarded-For", "10.1.2.3"]), "app");
    assert.equal(from("127.0.0.1", ["X-Forwarded-For", "10.6.6.6"]), "403");
    assert.equal(from("11.1.2.3", ["X-Forwarded-For", "10.1.2.3"]), "403");
    assert.equal(from("10.6.6.6", ["X-Forwarded-For", "10.1.2.3"]), "403");
  });
});

class Collected implements BodySink {
  text = "";
  state = "open";

  chunk(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString();
  }
  end(): void {
    this.state = "ended";
  }
  abort(): void {
    this.state = "aborted";
  }
}

describe("a route's largest body", () => {
  const site = (): ReturnType<typeof testRouter> => testRouter('[[routes]]\napp = "app"\nmax_body = 5\n');

  it("is judged by a known length at once", () => {
    assert.equal(site().ask({ method: "POST", bodyLength: 5 }), "app");
    assert.match(site().ask({ method: "POST", bodyLength: 6 }), /413/);
  });

  for (const [chunks, state, text] of [
    [["12", "345"], "ended", "12345"],
    [["12", "3456", "7"], "aborted", "12"],
  ] as const) {
    it(`is counted in chunks: ${chunks.join(" ")}`, () => {
      const { router, given } = testRouter('[[routes]]\napp = "app"\nmax_body = 5\n');
      const exchange = new FakeExchange({ method: "POST", bodyLength: -1 });
      router.handle(exchange);
      const sink = new Collected();
      given().body.read(sink);
      for (const chunk of chunks) exchange.sink?.chunk(Buffer.from(chunk));
      exchange.sink?.end(NO_FIELDS);
      assert.deepEqual([sink.state, sink.text], [state, text]);
      if (state === "aborted") assert.match(exchange.aborted, /413/);
      else assert.equal(exchange.aborted, "");
    });
  }
});
