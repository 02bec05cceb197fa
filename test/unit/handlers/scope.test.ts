// test/corpus/wire/scopes.json: requests as a front sees them, and the scopes that Python's tests read out of the same bytes.

import { equal, notEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { AppConfig } from "../../../src/handlers/app-ports.ts";
import { ScopeMaker } from "../../../src/handlers/scope.ts";
import { Trust } from "../../../src/handlers/trust.ts";
import type { Exchange } from "../../../src/http/exchange.ts";
import { appConfig } from "../../harness/app-config.ts";
import { FakeExchange, type FakeRequest } from "../../harness/fake-exchange.ts";

interface ScopeVector {
  readonly name: string;
  readonly request: FakeRequest;
  readonly config?: Partial<AppConfig>;
  /** Of a WebSocket. */
  readonly subprotocols?: readonly string[];
  readonly hex: string;
}

const file = new URL("../../corpus/wire/scopes.json", import.meta.url);
const corpus = JSON.parse(readFileSync(file, "utf8")) as { readonly scopes: readonly ScopeVector[] };

function encode({ request, config: changes, subprotocols }: ScopeVector): string {
  const config = appConfig(changes ?? {});
  const { head, peer, route } = new FakeExchange(request);
  const memo = new Trust(config).judge(head, peer);
  const maker = new ScopeMaker(config);
  return subprotocols === undefined
    ? maker.encodeHttp(head, memo, route)
    : maker.encodeWebSocket(head, memo, subprotocols, route);
}

describe("scopes of the shared corpus", () => {
  for (const vector of corpus.scopes) {
    it(`spells ${vector.name}`, () => {
      equal(Buffer.from(encode(vector), "latin1").toString("hex"), vector.hex);
    });
  }
});

describe("scope maker", () => {
  it("does not reuse what it made of a header block for another target, method, user or peer", () => {
    const trust = new Trust(appConfig({}));
    const maker = new ScopeMaker(appConfig({}));
    const one: Exchange = new FakeExchange({ target: "/1" });
    const memo = trust.judge(one.head, one.peer);
    const first = maker.encodeHttp(one.head, memo);
    equal(maker.encodeHttp(one.head, trust.judge(one.head, one.peer)), first);
    notEqual(maker.encodeHttp({ ...one.head, target: "/2", path: "/2" }, memo), first);
    notEqual(maker.encodeHttp({ ...one.head, method: "HEAD" }, memo), first);
    const ann = { mount: "", timeoutMs: undefined, user: "ann" };
    notEqual(maker.encodeHttp(one.head, memo, ann), first);
    equal(maker.encodeHttp(one.head, memo), first);
    const stranger = new FakeExchange({ peer: { remotePort: 7 } }).peer;
    notEqual(maker.encodeHttp(one.head, trust.judge(one.head, stranger)), first);
  });

  it("names the client for the access log only where a proxy did", () => {
    const trust = new Trust(appConfig({}));
    const maker = new ScopeMaker(appConfig({}));
    const address = (fields: readonly string[]): string => {
      const { head, peer } = new FakeExchange({ fields });
      return maker.clientAddress(trust.judge(head, peer));
    };
    equal(address(["Host", "a"]), "");
    equal(address(["Host", "a", "X-Forwarded-For", "203.0.113.9"]), "203.0.113.9");
  });
});
