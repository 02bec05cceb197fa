import { equal, notEqual, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { AppConfig } from "../../../src/handlers/app-ports.ts";
import { EnvironMaker } from "../../../src/handlers/environ.ts";
import { Trust } from "../../../src/handlers/trust.ts";
import type { Exchange } from "../../../src/http/exchange.ts";
import { marshalText } from "../../../src/wire/marshal-writer.ts";
import { appConfig } from "../../harness/app-config.ts";
import { FakeExchange, type FakeRequest } from "../../harness/fake-exchange.ts";

function encode(request: FakeRequest, changes: Partial<AppConfig> = {}, bodyBytes = 0): string {
  const config = appConfig(changes);
  const { head, peer, route } = new FakeExchange(request);
  return new EnvironMaker(config).encode(head, new Trust(config).judge(head, peer), bodyBytes, route);
}

function holds(environ: string, key: string, value: string): void {
  ok(environ.includes(marshalText(key) + marshalText(value)), `${key} is ${value}`);
}

describe("environ of a request", () => {
  it("names server and client of a TCP connection", () => {
    const environ = encode({});
    holds(environ, "REMOTE_ADDR", "127.0.0.1");
    holds(environ, "REMOTE_PORT", "50000");
    holds(environ, "SERVER_NAME", "127.0.0.1");
    holds(environ, "SERVER_PORT", "8000");
    holds(environ, "wsgi.url_scheme", "http");
  });

  it("names the server of a Unix socket as the client does", () => {
    const unix = { isUnix: true, remoteAddress: "", remotePort: 0 };
    const environ = encode({ peer: unix, fields: ["Host", "example.org", "X-Forwarded-Proto", "https"] });
    holds(environ, "REMOTE_ADDR", "");
    holds(environ, "SERVER_NAME", "example.org");
    holds(environ, "SERVER_PORT", "443");
    ok(!environ.includes("REMOTE_PORT"));
    const other = encode({ peer: unix, fields: ["Host", "[::1]:81"] });
    holds(other, "SERVER_NAME", "[::1]");
    holds(other, "SERVER_PORT", "81");
  });

  it("calls the server what the client calls it where a web server has no name for it", () => {
    const peer = { localAddress: "", localPort: 8080, isTold: true };
    const environ = encode({ variables: ["SERVER_NAME", "", "SERVER_PORT", "8080"], peer });
    holds(environ, "SERVER_NAME", "example.org");
    holds(environ, "SERVER_PORT", "8080");
  });

  it("believes a scheme only from trusted peers", () => {
    const fields = ["Host", "a", "X-Forwarded-Proto", "https"];
    holds(encode({ fields }), "wsgi.url_scheme", "https");
    holds(encode({ fields, peer: { remoteAddress: "203.0.113.9" } }), "wsgi.url_scheme", "http");
    holds(encode({ peer: { isTls: true } }), "wsgi.url_scheme", "https");
  });

  it("cuts SCRIPT_NAME from the path, a trusted header's before the configured one", () => {
    const configured = encode({ target: "/api/x%20y" }, { scriptName: "/api" });
    holds(configured, "SCRIPT_NAME", "/api");
    holds(configured, "PATH_INFO", "/x y");
    holds(configured, "RAW_URI", "/api/x%20y");
    const fields = ["Host", "a", "SCRIPT_NAME", "/other"];
    holds(encode({ target: "/other/z", fields }, { scriptName: "/api" }), "PATH_INFO", "/z");
  });

  it("names --root-path as SCRIPT_NAME where there is no other, and cuts nothing from the path", () => {
    for (const [target, config, scriptName, path] of [
      ["/x", { rootPath: "/api" }, "/api", "/x"],
      ["/api/x", { rootPath: "/api" }, "/api", "/api/x"],
      ["/shop/x", { rootPath: "/api", scriptName: "/shop" }, "/shop", "/x"],
    ] as const) {
      const environ = encode({ target }, config);
      holds(environ, "SCRIPT_NAME", scriptName);
      holds(environ, "PATH_INFO", path);
    }
  });

  it("cuts a route's mount from the path, whatever SCRIPT_NAME says, and names --root-path before it", () => {
    const route = { mount: "/shop", timeoutMs: undefined, user: undefined };
    const mounted = encode({ target: "/shop/x%20y", route });
    holds(mounted, "SCRIPT_NAME", "/shop");
    holds(mounted, "PATH_INFO", "/x y");
    holds(encode({ target: "/shop", route }), "PATH_INFO", "");
    const fields = ["Host", "a", "SCRIPT_NAME", "/shop/deep"];
    const asked = encode({ target: "/shop/deep/x", fields, route }, { scriptName: "/other" });
    holds(asked, "SCRIPT_NAME", "/shop");
    holds(asked, "PATH_INFO", "/deep/x");
    holds(encode({ target: "/shop/x", route }, { rootPath: "/outer" }), "SCRIPT_NAME", "/outer/shop");
  });

  it("names the user that a route knows, whom no field can forge", () => {
    const route = { mount: "", timeoutMs: undefined, user: "ann" };
    holds(encode({ route }), "REMOTE_USER", "ann");
    const forged = encode({ fields: ["Host", "a", "Remote-User", "eve", "Remote_User", "eve"] });
    ok(!forged.includes(marshalText("REMOTE_USER")));
  });

  it("says a length when the client did, or when there is a body", () => {
    ok(!encode({}).includes("CONTENT_LENGTH"));
    holds(encode({ method: "POST", fields: ["Host", "a", "Content-Length", "0"] }), "CONTENT_LENGTH", "0");
    holds(encode({ method: "POST", bodyLength: -1 }), "CONTENT_LENGTH", "0");
    holds(encode({ method: "POST", bodyLength: -1 }, {}, 7), "CONTENT_LENGTH", "7");
  });

  it("puts an absolute target's authority before Host", () => {
    const exchange = new FakeExchange({ fields: ["Host", "evil", "X-A", "1"] });
    const head = { ...exchange.head, target: "http://good/", path: "/", authority: "good" };
    const maker = new EnvironMaker(appConfig({}));
    const environ = maker.encode(head, new Trust(appConfig({})).judge(head, exchange.peer), 0);
    holds(environ, "HTTP_HOST", "good");
    ok(!environ.includes("evil"));
  });

  it("does not reuse what it made of a header block for another peer, target or user", () => {
    const maker = new EnvironMaker(appConfig({}));
    const trust = new Trust(appConfig({}));
    const one: Exchange = new FakeExchange({ target: "/1" });
    const memo = trust.judge(one.head, one.peer);
    const first = maker.encode(one.head, memo, 0);
    equal(trust.judge(one.head, one.peer), memo);
    equal(maker.encode(one.head, memo, 0), first);
    const second = { ...one.head, target: "/2", path: "/2" };
    holds(maker.encode(second, memo, 0), "PATH_INFO", "/2");
    const stranger = new FakeExchange({ peer: { remotePort: 7 } }).peer;
    const other = trust.judge(one.head, stranger);
    notEqual(other, memo);
    holds(maker.encode(one.head, other, 0), "REMOTE_PORT", "7");
    const ann = { mount: "", timeoutMs: undefined, user: "ann" };
    holds(maker.encode(one.head, memo, 0, ann), "REMOTE_USER", "ann");
    ok(!maker.encode(one.head, memo, 0).includes("ann"));
  });
});
