import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACCESS_FORMAT_DEFAULT, ACCESS_FORMAT_UVICORN } from "../../../src/config/settings/logging.ts";
import { Fields } from "../../../src/http/fields.ts";
import { compileAccessFormat, formatAccessJson } from "../../../src/log/access-format.ts";
import type { AccessRecord } from "../../../src/log/access-record.ts";
import { accessTime, errorTime, perSecond } from "../../../src/log/log-time.ts";
import { headOf, PEER, recordOf } from "./support.ts";

function format(text: string, record: AccessRecord = recordOf()): string {
  return compileAccessFormat(text)(record);
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString("base64")}`;

describe("access line", () => {
  it("has gunicorn's default form", () => {
    assert.match(
      format(ACCESS_FORMAT_DEFAULT),
      /^10\.1\.2\.3 - - \[2\d\/Nov\/2026:\d\d:06:00 [+-]\d{4}\] "GET \/a%20b\?x=1 HTTP\/1\.1" 200 5 "http:\/\/r\/" "curl\/8"$/,
    );
  });

  it("has uvicorn's form", () => {
    const line = '10.1.2.3:4711 - "GET /a%20b?x=1 HTTP/1.1" 200 OK';
    assert.equal(format(ACCESS_FORMAT_UVICORN), `INFO:     ${line}`);
  });

  it("has uvicorn's form in colours for a terminal", () => {
    for (const [status, phrase, color] of [
      [101, "Switching Protocols", 1],
      [204, "No Content", 32],
      [304, "Not Modified", 33],
      [404, "Not Found", 31],
      [503, "Service Unavailable", 91],
    ] as const) {
      const line = compileAccessFormat(ACCESS_FORMAT_UVICORN, true)(recordOf({ status }));
      assert.equal(
        line,
        `\x1b[32mINFO\x1b[0m:     10.1.2.3:4711 - "\x1b[1mGET /a%20b?x=1 HTTP/1.1\x1b[0m" \x1b[${color}m${status} ${phrase}\x1b[0m`,
      );
    }
  });

  it("names the client as uvicorn does: port 0 when a proxy named it, nothing over a Unix socket", () => {
    const viaProxy = recordOf({ notes: { ...recordOf().notes, clientAddress: "2001:db8::1" } });
    const local = recordOf({ peer: { ...PEER, remoteAddress: "", remotePort: 0 } });
    assert.equal(format("%(C)s", viaProxy), "2001:db8::1:0");
    assert.equal(format("%(C)s", local), "");
  });

  for (const [atom, expected] of [
    ["C", "10.1.2.3:4711"],
    ["O", "OK"],
    ["h", "10.1.2.3"],
    ["l", "-"],
    ["u", "-"],
    ["r", "GET /a%20b?x=1 HTTP/1.1"],
    ["m", "GET"],
    ["U", "/a%20b"],
    ["q", "x=1"],
    ["H", "HTTP/1.1"],
    ["s", "200"],
    ["B", "5"],
    ["b", "5"],
    ["f", "http://r/"],
    ["a", "curl/8"],
    ["T", "0"],
    ["M", "12"],
    ["D", "12346"],
    ["L", "0.012346"],
    ["p", "<99>"],
    ["Q", "0.250"],
    ["A", "1.500"],
    ["I", "40"],
    ["R", "0"],
    ["N", "7"],
    ["X", "-"],
    ["S", "http"],
    ["P", "10.1.2.3"],
    ["{Host}i", "example.org"],
    ["{USER-AGENT}i", "curl/8"],
    ["{cookie}i", "-"],
    ["{x-request-id}o", "abc"],
    ["{Content-Type}o", "text/plain"],
    ["{content}o", "-"],
    ["{REQUEST_METHOD}e", "GET"],
    ["{HTTP_USER_AGENT}e", "curl/8"],
    ["{wsgi.url_scheme}e", "http"],
    ["{remote_port}e", "4711"],
    ["{HOME}e", "-"],
    ["{__proto__}e", "-"],
  ] as const) {
    it(`gives %(${atom})s`, () => assert.equal(format(`<%(${atom})s>`), `<${expected}>`));
  }

  it("writes a dash for what is missing", () => {
    const record = recordOf({
      head: undefined,
      requestLine: "",
      bodyBytes: 0,
      responseBlock: "",
      peer: { ...PEER, remoteAddress: "", isUnix: true },
      notes: { workerPid: 0, queueMs: -1, appMicros: -1, scheme: "" },
    });
    const atoms = [
      "h",
      "u",
      "r",
      "m",
      "U",
      "H",
      "f",
      "a",
      "p",
      "Q",
      "A",
      "X",
      "S",
      "P",
      "{a}i",
      "{a}o",
      "{a}e",
    ];
    for (const atom of atoms) assert.equal(format(`%(${atom})s`, record), "-", atom);
    assert.equal(format("%(B)s|%(b)s|%(q)s", record), "0|0|");
  });

  it("shows what came of a request that could not be read", () => {
    const record = recordOf({ head: undefined, requestLine: "GET /\u0000 HTTP/9", status: 400 });
    assert.equal(format('"%(r)s" %(s)s', record), '"GET /\\x00 HTTP/9" 400');
  });

  it("names the client that a trusted proxy spoke for, and the peer", () => {
    const record = recordOf({ notes: { clientAddress: "8.8.8.8" } });
    assert.equal(format("%(h)s %(P)s", record), "8.8.8.8 10.1.2.3");
  });

  it("names the user of Basic authentication", () => {
    const withUser = (value: string): AccessRecord =>
      recordOf({ head: headOf({ fields: new Fields(["Authorization", value]) }) });
    assert.equal(format("%(u)s", withUser(basic("ada:secret"))), "ada");
    assert.equal(format("%(u)s", withUser(basic("a\nb:secret"))), "a\\x0ab");
    for (const value of [basic("nocolon"), "Basic ???", "Bearer x", "Basic "]) {
      assert.equal(format("%(u)s", withUser(value)), "-", value);
    }
  });

  it("names the user whom the web server in front has let in, and what else it has set", () => {
    const variables = ["REMOTE_USER", "", "REMOTE_USER", "grace", "GEO", "nl"];
    const fields = new Fields(["Authorization", basic("ada:secret")]);
    const record = recordOf({ head: headOf({ variables, fields }) });
    assert.equal(format("%(u)s %({GEO}e)s %({NONE}e)s", record), "grace nl -");
  });

  it("says why a request was cut short", () => {
    const record = recordOf({ status: 499, abortCause: "client-left" });
    assert.equal(format("%(s)s %(X)s", record), "499 client-left");
  });

  it("cannot be forged by anything that a client sends", () => {
    const nasty = 'x" 200 "\r\n10.0.0.1 \u001b[2J\u0085\u009b\\" é';
    const head = headOf({
      target: `/${nasty}`,
      path: nasty,
      query: nasty,
      fields: new Fields(["User-Agent", nasty, "X", nasty]),
    });
    const line = format('"%(r)s" "%(U)s" "%(q)s" "%(a)s" "%({x}i)s" "%({HTTP_X}e)s"', recordOf({ head }));
    assert.match(line, /^[\x20-\x7e]*$/);
    assert.match(line, /^"(?:[^"\\]|\\.)*"(?: "(?:[^"\\]|\\.)*"){5}$/);
  });
});

describe("access line in JSON", () => {
  it("is an object of what is known", () => {
    assert.deepEqual(JSON.parse(formatAccessJson(recordOf({ notes: { retries: 1 } }))), {
      time: "2026-11-21T08:06:00.000Z",
      id: 7,
      client: "10.1.2.3",
      method: "GET",
      path: "/a%20b",
      query: "x=1",
      scheme: "http",
      protocol: "HTTP/1.1",
      host: "example.org",
      referer: "http://r/",
      user_agent: "curl/8",
      status: 200,
      bytes: 5,
      request_bytes: 40,
      duration_ms: 12.346,
      queue_ms: 0.25,
      app_ms: 1.5,
      worker_pid: 99,
      retries: 1,
    });
  });

  it("tells of requests that could not be read", () => {
    const line = formatAccessJson(
      recordOf({ head: undefined, requestLine: "junk", abortCause: "bad-request" }),
    );
    const entry = JSON.parse(line) as Record<string, unknown>;
    assert.equal(entry["request_line"], "junk");
    assert.equal(entry["cause"], "bad-request");
  });

  it("is one line of ASCII, whatever a client sends", () => {
    const nasty = 'x"\\\r\n\u001b\u0085\u2028é\ud83d';
    const head = headOf({
      path: nasty,
      query: nasty,
      authority: nasty,
      fields: new Fields(["user-agent", nasty]),
    });
    const line = formatAccessJson(recordOf({ head }));
    assert.match(line, /^[\x20-\x7e]*$/);
    assert.equal((JSON.parse(line) as Record<string, unknown>)["path"], nasty);
  });
});

describe("log time", () => {
  it("formats each second once", () => {
    let calls = 0;
    const time = perSecond((date) => {
      calls += 1;
      return date.toISOString();
    });
    for (const ms of [1000, 1001, 1999, 2000, 2500, 1500]) time(ms);
    assert.equal(calls, 3);
    assert.equal(time(1500), "1970-01-01T00:00:01.000Z");
  });

  it("tells the zone", () => {
    const date = new Date(2026, 0, 2, 3, 4, 5);
    assert.match(accessTime(date), /^\[02\/Jan\/2026:03:04:05 [+-]\d{4}\]$/);
    assert.match(errorTime(date), /^\[2026-01-02 03:04:05 [+-]\d{4}\]$/);
    const eastOfLondon = Object.assign(new Date(2026, 0, 2, 3, 4, 5), { getTimezoneOffset: () => -330 });
    assert.match(errorTime(eastOfLondon), /\+0530\]$/);
    const west = Object.assign(new Date(2026, 0, 2, 3, 4, 5), { getTimezoneOffset: () => 210 });
    assert.match(errorTime(west), /-0330\]$/);
  });
});
