import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SECURITY_HEADERS } from "../../../../src/config/response-policy.ts";
import type { RoutePolicy } from "../../../../src/config/route.ts";
import { begin, throughFilters } from "../../../harness/filtered-exchange.ts";

function blockThrough(policy: Partial<RoutePolicy>, fields: readonly string[] = [], isTls = false): string {
  const { client, exchange } = throughFilters(policy, { peer: { isTls } });
  begin(exchange, { fields, length: -1 });
  exchange.response.end();
  return client.block;
}

describe("the header fields of a route", () => {
  it("take the place of the application's", () => {
    const headers = [["cache-control", "no-store"]] as const;
    assert.equal(
      blockThrough({ headers }, ["Cache-Control: public", "X: 1", "cache-control: max-age=1"]),
      "Cache-Control: no-store\r\nX: 1\r\n\r\n",
    );
  });

  it("with an empty value are removed", () => {
    assert.equal(
      blockThrough({ headers: [["x-powered-by", ""]] }, ["X-Powered-By: y", "X: 1"]),
      "X: 1\r\n\r\n",
    );
  });

  it("may stand several times", () => {
    const headers = [
      ["link", "<a>"],
      ["link", "<b>"],
    ] as const;
    assert.equal(blockThrough({ headers }), "Link: <b>\r\nLink: <a>\r\n\r\n");
  });

  it("as defaults leave the application's alone", () => {
    const block = blockThrough({ headerDefaults: SECURITY_HEADERS }, ["X-Frame-Options: DENY"]);
    assert.match(block, /X-Frame-Options: DENY\r\n/);
    assert.doesNotMatch(block, /SAMEORIGIN/);
    assert.match(block, /X-Content-Type-Options: nosniff\r\n/);
    assert.match(block, /Referrer-Policy: strict-origin-when-cross-origin\r\n/);
  });

  it("say Strict-Transport-Security over https alone", () => {
    assert.doesNotMatch(blockThrough({ headerDefaults: SECURITY_HEADERS }), /Strict/);
    assert.match(
      blockThrough({ headerDefaults: SECURITY_HEADERS }, [], true),
      /Strict-Transport-Security: max-age=/,
    );
    const removed = {
      headerDefaults: SECURITY_HEADERS,
      headers: [["strict-transport-security", ""]],
    } as const;
    assert.doesNotMatch(blockThrough(removed, [], true), /Strict/);
  });

  it("are on the server's own error pages too", () => {
    const { client } = throughFilters({ headers: [["x-frame-options", "DENY"]] });
    const page = client.events?.errorPage?.(502, "the worker died");
    assert.match(page?.block ?? "", /^X-Frame-Options: DENY\r\nContent-Type: text\/html\r\n/);
    assert.match(page?.body ?? "", /the worker died/);
  });

  it("leave the body's bytes and events to whom they belong", () => {
    const { client, exchange, drained, aborts } = throughFilters({ headers: [["x", "y"]] });
    begin(exchange, { body: Buffer.from("a"), length: 3 });
    exchange.response.write(Buffer.from("bc"));
    client.events?.onDrain(3);
    client.events?.onAbort("client-left");
    assert.equal(client.bodyBytes.toString(), "abc");
    assert.deepEqual([drained, aborts], [[3], ["client-left"]]);
  });
});

describe("a route without a policy for responses", () => {
  it("costs its requests nothing", () => {
    const { client, exchange } = throughFilters({});
    assert.equal(exchange, client);
  });
});
