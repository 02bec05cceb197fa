import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { AddressSet } from "../../../src/http/address-set.ts";
import {
  forwardedClient,
  HeaderJudge,
  type HeaderRules,
  parseForwarded,
} from "../../../src/http/forwarded.ts";

const RULES: HeaderRules = {
  secureSchemeHeaders: {
    "X-FORWARDED-PROTOCOL": "ssl",
    "X-FORWARDED-PROTO": "https",
    "X-FORWARDED-SSL": "on",
  },
  forwarderHeaders: ["SCRIPT_NAME", "PATH_INFO"],
  headerMap: "drop",
  forwardedUntrusted: "pass",
};

function judge(
  flat: readonly string[],
  options: { trusted?: boolean; rules?: Partial<HeaderRules> } = {},
): unknown {
  return new HeaderJudge({ ...RULES, ...options.rules }).judge(flat, options.trusted ?? true);
}

function passed(flat: readonly string[], more: object = {}): object {
  return { flat, scheme: undefined, scriptName: undefined, ignored: "", ...more };
}

describe("scheme headers", () => {
  it("of a trusted peer set the scheme", () => {
    const flat = ["X-Forwarded-Proto", "https"];
    deepEqual(judge(flat), passed(flat, { scheme: "https" }));
  });

  it("are compared exactly: any other value means http", () => {
    deepEqual(
      judge(["x-forwarded-proto", "HTTPS"]),
      passed(["x-forwarded-proto", "HTTPS"], { scheme: "http" }),
    );
  });

  it("that agree are fine", () => {
    const flat = ["X-Forwarded-Proto", "https", "X-Forwarded-Ssl", "on"];
    deepEqual(judge(flat), passed(flat, { scheme: "https" }));
  });

  it("that disagree are refused", () => {
    const refused = { refused: "Contradictory scheme headers" };
    deepEqual(judge(["X-Forwarded-Proto", "https", "X-Forwarded-Ssl", "off"]), refused);
    deepEqual(judge(["X-Forwarded-Proto", "https", "X-Forwarded-Proto", "http"]), refused);
  });

  it("of a stranger pass and mean nothing", () => {
    const flat = ["X-Forwarded-Proto", "https", "X-Forwarded-Ssl", "off"];
    deepEqual(judge(flat, { trusted: false }), passed(flat, { ignored: "X-Forwarded-Proto" }));
  });
});

describe("names with an underscore", () => {
  const flat = ["Host", "a", "X_Under", "u"];

  it("are dropped by default, whoever sends them", () => {
    deepEqual(judge(flat), passed(["Host", "a"]));
    deepEqual(judge(flat, { trusted: false }), passed(["Host", "a"]));
  });

  it("are refused on demand", () => {
    deepEqual(judge(flat, { rules: { headerMap: "refuse" } }), {
      refused: "Invalid HTTP header name: X_Under",
    });
  });

  it("pass when danger was asked for", () => {
    deepEqual(judge(flat, { rules: { headerMap: "dangerous" } }), passed(flat));
  });

  it("are a trusted forwarder's to set", () => {
    const fields = ["Script_Name", "/app", "PATH_INFO", "/x"];
    deepEqual(judge(fields), passed(["PATH_INFO", "/x"], { scriptName: "/app" }));
    deepEqual(judge(fields, { trusted: false }), passed([]));
  });

  it("may all be a trusted forwarder's", () => {
    deepEqual(judge(flat, { rules: { forwarderHeaders: ["*"] } }), passed(flat));
  });

  it("of a forwarder silence their twins with a dash, wherever those stand", () => {
    const rules = { forwarderHeaders: ["REMOTE_USER"] };
    const fields = ["Remote-User", "mallory", "REMOTE_USER", "alice", "remote-user", "eve", "X-Y", "1"];
    deepEqual(judge(fields, { rules }), passed(["REMOTE_USER", "alice", "X-Y", "1"]));
  });

  it("count as scheme headers where they are written so", () => {
    const rules = { secureSchemeHeaders: { X_SCHEME: "https" }, forwarderHeaders: ["X_SCHEME"] };
    deepEqual(judge(["X_Scheme", "https"], { rules }), passed(["X_Scheme", "https"], { scheme: "https" }));
  });
});

describe("other fields", () => {
  it("pass in the very array that came", () => {
    const flat = ["Host", "a", "Accept", "*/*"];
    const judgement = new HeaderJudge(RULES).judge(flat, false);
    equal("flat" in judgement && judgement.flat, flat);
  });

  it("lose Proxy, which would become HTTP_PROXY", () => {
    deepEqual(judge(["Proxy", "http://evil", "Host", "a"]), passed(["Host", "a"]));
  });
});

describe("client of a chain of proxies", () => {
  const trusted = new AddressSet(["127.0.0.1", "10.0.0.0/8"]);
  const cases: readonly (readonly [field: string, host: string, port: number])[] = [
    ["203.0.113.9", "203.0.113.9", 0],
    ["6.6.6.6, 203.0.113.9, 10.0.0.1", "203.0.113.9", 0],
    ["10.0.0.2,10.0.0.1", "10.0.0.2", 0],
    ["203.0.113.9:4711, 10.0.0.1:80", "203.0.113.9", 4711],
    ["[2001:db8::1]:443, 10.0.0.1", "2001:db8::1", 443],
    ["[2001:db8::1]", "2001:db8::1", 0],
    ["2001:db8::1", "2001:db8::1", 0],
    ["203.0.113.9:99999", "203.0.113.9", 0],
    ["[2001:db8::1", "[2001:db8::1", 0],
    ["", "", 0],
  ];
  for (const [field, host, port] of cases) {
    it(`of "${field}" is "${host}", port ${port}`, () => {
      deepEqual(forwardedClient(field, trusted), { host, port });
    });
  }

  it("is the leftmost when everybody is trusted", () => {
    equal(forwardedClient("1.1.1.1, 2.2.2.2", new AddressSet(["*"])).host, "1.1.1.1");
  });
});

describe("a Forwarded field", () => {
  const cases: readonly (readonly [field: string, forwardedFor: string, proto: string])[] = [
    ["for=192.0.2.43", "192.0.2.43", ""],
    ['For="[2001:db8:cafe::17]:4711";Proto=HTTPS', "[2001:db8:cafe::17]:4711", "https"],
    ["for=192.0.2.43, for=198.51.100.17;by=203.0.113.60;proto=http", "192.0.2.43,198.51.100.17", "http"],
    ['for="a\\"b,c"', 'a"bc', ""],
    ["for=unknown;host=example.org", "unknown", ""],
    ["nothing at all", "", ""],
    ["", "", ""],
  ];
  for (const [field, forwardedFor, proto] of cases) {
    it(`${field} names ${forwardedFor || "nobody"}`, () => {
      deepEqual(parseForwarded(field), { forwardedFor, proto });
    });
  }
});

describe("forwarding fields of peers that are not trusted", () => {
  const flat = [
    "X-Forwarded-Host",
    "h",
    "X-Forwarded-For",
    "1.2.3.4",
    "X-Real-IP",
    "1.2.3.4",
    "Forwarded",
    "for=x",
    "Host",
    "a",
  ];

  it("pass, and the first one that would have counted is named", () => {
    deepEqual(judge(flat, { trusted: false }), passed(flat, { ignored: "X-Forwarded-For" }));
    const proto = ["x-forwarded-proto", "https"];
    deepEqual(judge(proto, { trusted: false }), passed(proto, { ignored: "x-forwarded-proto" }));
  });

  it("are taken off on request, with whatever poses as one", () => {
    const rules = { forwardedUntrusted: "strip", headerMap: "dangerous" } as const;
    const forged = [...flat, "X_Forwarded_For", "1.2.3.4", "X-Forwarded-Proto", "https", "X_Own", "1"];
    const kept = passed(["Host", "a", "X_Own", "1"], { ignored: "X-Forwarded-For" });
    deepEqual(judge(forged, { trusted: false, rules }), kept);
    deepEqual(judge(flat, { trusted: true, rules }), passed(flat));
  });
});
