import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RedirectHandler } from "../../../src/handlers/redirect.ts";
import { FakeExchange, type FakeRequest } from "../../harness/fake-exchange.ts";

function redirected(request: FakeRequest, port = 443): { status: number; location: string | undefined } {
  const exchange = new FakeExchange(request);
  new RedirectHandler(port).handle(exchange);
  return { status: exchange.status, location: /^Location: (.*)\r$/m.exec(exchange.block)?.[1] };
}

const host = (name: string): Pick<FakeRequest, "fields"> => ({ fields: ["Host", name] });

describe("redirection to https", () => {
  it("keeps name, path and query", () => {
    const { status, location } = redirected({ target: "/a%20b/?c=d&e", ...host("example.org:80") });
    assert.equal(status, 301);
    assert.equal(location, "https://example.org/a%20b/?c=d&e");
  });

  it("names the port where it is not the usual one", () => {
    assert.equal(redirected(host("example.org:8080"), 8443).location, "https://example.org:8443/");
    assert.equal(redirected(host("[::1]:80"), 8443).location, "https://[::1]:8443/");
  });

  it("turns no POST into a GET", () => {
    assert.equal(redirected({ method: "HEAD" }).status, 301);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      assert.equal(redirected({ method }).status, 308, method);
    }
  });

  it("goes to the root for what has no path", () => {
    assert.equal(redirected({ method: "OPTIONS", target: "*" }).location, "https://example.org/");
  });

  it("goes nowhere without a name, or with one that could lead elsewhere", () => {
    for (const name of ["", "a/b", "user@host", "a b", "a?b", "a\\b", "a#b"]) {
      const { status, location } = redirected({ authority: name });
      assert.deepEqual([status, location], [400, undefined], name);
    }
  });
});
