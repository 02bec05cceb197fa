import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RequestHead } from "../../../src/http/exchange.ts";
import { playGateway, type Spoken } from "../../fuzz/gateway-driver.ts";
import { fastcgiRequest, scgiPacket, uwsgiPacket, type Variables } from "../../harness/gateway-packets.ts";

const BASE = {
  CONTENT_LENGTH: "0",
  SCGI: "1",
  REQUEST_METHOD: "GET",
  REQUEST_URI: "/a",
  SERVER_PROTOCOL: "HTTP/1.1",
};

function packet(spoken: Spoken, variables: Variables): Buffer {
  if (spoken === "uwsgi") return uwsgiPacket(variables);
  return spoken === "scgi" ? scgiPacket(variables) : fastcgiRequest(variables);
}

function headOf(changes: Readonly<Record<string, string>>, spoken: Spoken = "uwsgi"): RequestHead {
  const seen = playGateway(spoken, [packet(spoken, { ...BASE, ...changes })]);
  assert.equal(seen.error, "");
  const head = seen.requests[0]?.head;
  assert.ok(head);
  return head;
}

function errorOf(variables: Variables, spoken: Spoken = "uwsgi", limits = {}): string {
  return playGateway(spoken, [packet(spoken, variables)], { limits }).error;
}

function own(head: RequestHead, name: string): string | undefined {
  const flat = head.variables ?? [];
  const at = flat.findLastIndex((word, index) => index % 2 === 0 && word === name);
  return at < 0 ? undefined : flat[at + 1];
}

describe("a request over uwsgi, SCGI and FastCGI", () => {
  for (const spoken of ["uwsgi", "scgi", "fastcgi"] as const) {
    it(`has its head in its variables (${spoken})`, () => {
      const head = headOf(
        { QUERY_STRING: "x=1", REQUEST_URI: "/a?x=1", HTTP_HOST: "h", HTTP_X_FOO: "bar", REMOTE_USER: "ann" },
        spoken,
      );
      assert.equal(head.method, "GET");
      assert.equal(head.target, "/a?x=1");
      assert.equal(head.path, "/a");
      assert.equal(head.query, "x=1");
      assert.equal(head.authority, "h");
      assert.equal(head.version, "1.1");
      assert.equal(head.bodyLength, 0);
      assert.equal(head.fields.get("x-foo"), "bar");
      assert.equal(own(head, "REMOTE_USER"), "ann");
    });
  }

  it("keeps the client's spelling of a path that means what the web server says", () => {
    const head = headOf({ REQUEST_URI: "/a%2fb%20c", PATH_INFO: "/a/b c" });
    assert.equal(head.path, "/a%2fb%20c");
    assert.equal(own(head, "PATH_INFO"), "/a/b c");
  });

  it("goes by the web server's path where that was rewritten", () => {
    const head = headOf({ REQUEST_URI: "/old//x?a", PATH_INFO: "/new/\xc3\xa4" });
    assert.equal(head.path, "/new/%C3%A4");
    assert.equal(head.target, "/old//x?a");
  });

  it("takes SCRIPT_NAME for the front of the path", () => {
    const head = headOf({ REQUEST_URI: "/app/x", SCRIPT_NAME: "/app", PATH_INFO: "/x" });
    assert.equal(head.path, "/app/x");
    assert.equal(own(head, "SCRIPT_NAME"), "/app");
    assert.equal(own(head, "PATH_INFO"), "/x");
  });

  it("with modifier1 30 has SCRIPT_NAME taken off PATH_INFO", () => {
    const variables = { ...BASE, REQUEST_URI: "/app/x", SCRIPT_NAME: "/app", PATH_INFO: "/app/x" };
    const head = playGateway("uwsgi", [uwsgiPacket(variables, { modifier1: 30 })]).requests[0]?.head;
    assert.equal(head && own(head, "PATH_INFO"), "/x");
    assert.equal(head?.path, "/app/x");
  });

  it("understands nginx's fastcgi_params, which call the whole path SCRIPT_NAME", () => {
    const head = headOf({ REQUEST_URI: "/x%20y", SCRIPT_NAME: "/x y", DOCUMENT_URI: "/x y" }, "fastcgi");
    assert.equal(own(head, "SCRIPT_NAME"), "");
    assert.equal(own(head, "PATH_INFO"), "/x y");
    assert.equal(head.path, "/x%20y");
  });

  it("makes a target where none is given", () => {
    const head = headOf({ REQUEST_URI: "", PATH_INFO: "/a b", QUERY_STRING: "q" });
    assert.equal(head.target, "/a%20b?q");
  });

  it("escapes what cannot stand in a target", () => {
    assert.equal(headOf({ REQUEST_URI: "/\xe4", PATH_INFO: "/\xe4" }).target, "/%E4");
  });

  it("knows HTTP/2 and 3 as newer than 1.1", () => {
    assert.equal(headOf({ SERVER_PROTOCOL: "HTTP/2.0" }).version, "2");
    assert.equal(headOf({ SERVER_PROTOCOL: "HTTP/3.0" }).version, "2");
    assert.equal(headOf({ SERVER_PROTOCOL: "HTTP/1.0" }).version, "1.0");
  });

  it("goes by the last one of variables that come twice", () => {
    const twice = [...Object.entries(BASE), ["HTTPS", ""], ["HTTPS", "on"], ["REQUEST_URI", "/b"]] as const;
    const head = playGateway("uwsgi", [uwsgiPacket(twice)]).requests[0]?.head;
    assert.equal(head && own(head, "HTTPS"), "on");
    assert.equal(head?.path, "/b");
  });

  it("drops what would steer the application, and says so of what pretends to be the server's", () => {
    const ignored: string[] = [];
    const variables = {
      ...BASE,
      HTTP_PROXY: "http://evil",
      HTTP_TRANSFER_ENCODING: "chunked",
      HTTP_CONTENT_LENGTH: "99",
      UWSGI_FILE: "/x.py",
      UWSGI_SETENV: "A=b",
      PYTHONPATH: "/x",
      "wsgi.input": "x",
      "tunicorn.client_disconnected": "x",
    };
    const seen = playGateway("uwsgi", [uwsgiPacket(variables)], { ignored });
    const head = seen.requests[0]?.head;
    assert.deepEqual(ignored, [
      "UWSGI_FILE",
      "UWSGI_SETENV",
      "PYTHONPATH",
      "wsgi.input",
      "tunicorn.client_disconnected",
    ]);
    assert.deepEqual(head?.fields.flat, ["content-length", "0"]);
    assert.ok(head?.variables?.every((word) => !/UWSGI|PYTHON|wsgi|tunicorn/.test(word)));
  });

  it("may have a body, which ends where CONTENT_LENGTH says", () => {
    const variables = { ...BASE, CONTENT_LENGTH: "5", REQUEST_METHOD: "POST" };
    for (const spoken of ["uwsgi", "scgi"] as const) {
      const seen = playGateway(spoken, [
        packet(spoken, variables),
        Buffer.from("hel"),
        Buffer.from("lo and more"),
      ]);
      assert.equal(seen.requests[0]?.body, "hello");
      assert.equal(seen.requests.length, 1);
    }
  });
});

describe("what is refused over uwsgi, SCGI and FastCGI", () => {
  const cases: readonly (readonly [string, Variables, string])[] = [
    ["no method", { ...BASE, REQUEST_METHOD: "" }, "ERR_GATEWAY_METHOD"],
    ["a method in lower case", { ...BASE, REQUEST_METHOD: "get" }, "ERR_GATEWAY_METHOD"],
    ["a method with a line break", { ...BASE, REQUEST_METHOD: "GET\r\nX" }, "ERR_GATEWAY_METHOD"],
    ["a target with a line break", { ...BASE, REQUEST_URI: "/\r\nx" }, "ERR_GATEWAY_TARGET"],
    ["a query with a line break", { ...BASE, QUERY_STRING: "\n" }, "ERR_GATEWAY_TARGET"],
    ["a path that does not begin with a slash", { ...BASE, PATH_INFO: "x" }, "ERR_GATEWAY_TARGET"],
    ["a field with a line break", { ...BASE, HTTP_X: "a\r\nEvil: b" }, "ERR_GATEWAY_VARIABLE"],
    ["a content type with a line break", { ...BASE, CONTENT_TYPE: "a\nb" }, "ERR_GATEWAY_VARIABLE"],
    ["a name of nothing", { ...BASE, "": "x" }, "ERR_GATEWAY_VARIABLE"],
    ["a malformed host", { ...BASE, HTTP_HOST: "a b" }, "ERR_GATEWAY_HOST"],
    ["a negative length", { ...BASE, CONTENT_LENGTH: "-1" }, "ERR_GATEWAY_CONTENT_LENGTH"],
    ["a length in hexadecimal", { ...BASE, CONTENT_LENGTH: "0x5" }, "ERR_GATEWAY_CONTENT_LENGTH"],
  ];
  for (const [what, variables, code] of cases) {
    it(what, () => {
      assert.equal(errorOf(variables, "uwsgi"), code);
      assert.equal(errorOf(variables, "fastcgi"), code);
      if (!("" in variables)) assert.equal(errorOf(variables, "scgi"), code);
    });
  }

  it("two lengths that disagree, and two hosts", () => {
    const base = Object.entries(BASE);
    assert.equal(errorOf([...base, ["CONTENT_LENGTH", "5"]]), "ERR_GATEWAY_CONTENT_LENGTH");
    assert.equal(errorOf([...base, ["HTTP_HOST", "a"], ["HTTP_HOST", "b"]]), "ERR_GATEWAY_HOST");
  });

  it("a NUL byte in a value", () => {
    assert.equal(errorOf({ ...BASE, REMOTE_USER: "a\0b" }), "ERR_GATEWAY_VARIABLE");
    assert.equal(errorOf({ ...BASE, REMOTE_USER: "a\0b" }, "fastcgi"), "ERR_GATEWAY_VARIABLE");
  });

  it("more than the limits", () => {
    const many = { ...BASE, HTTP_A: "1", HTTP_B: "2" };
    const own = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`OWN_${index}`, "x"]));
    for (const spoken of ["uwsgi", "scgi", "fastcgi"] as const) {
      assert.equal(errorOf(many, spoken, { fieldsMax: 1 }), "ERR_GATEWAY_VARIABLES_TOO_MANY");
      assert.equal(errorOf({ ...BASE, ...own }, spoken), "ERR_GATEWAY_VARIABLES_TOO_MANY");
      assert.equal(
        errorOf({ ...BASE, HTTP_A: "12345" }, spoken, { fieldBytesMax: 10 }),
        "ERR_GATEWAY_VARIABLE_TOO_LARGE",
      );
      assert.equal(errorOf(BASE, spoken, { headBytesMax: 20 }), "ERR_GATEWAY_HEAD_TOO_LARGE");
      assert.equal(
        errorOf({ ...BASE, CONTENT_LENGTH: "9" }, spoken, { bodyBytesMax: 8 }),
        "ERR_GATEWAY_BODY_TOO_LARGE",
      );
      assert.equal(errorOf(BASE, spoken, { requestLineBytesMax: 12 }), "ERR_GATEWAY_TARGET_TOO_LONG");
    }
  });

  it("a chunked body that the web server did not buffer, where only its length could tell its end", () => {
    const variables = { ...BASE, CONTENT_LENGTH: "", HTTP_TRANSFER_ENCODING: "chunked" };
    assert.equal(errorOf(variables), "ERR_GATEWAY_LENGTH_MISSING");
    assert.equal(errorOf(variables, "fastcgi"), "");
  });

  it("sizes that lead beyond the packet", () => {
    const lying = uwsgiPacket(BASE);
    lying.writeUInt16LE(9_999, 4);
    assert.equal(playGateway("uwsgi", [lying]).error, "ERR_GATEWAY_SIZE");
    const short = uwsgiPacket(BASE, { size: uwsgiPacket(BASE).length - 5 });
    assert.equal(playGateway("uwsgi", [short]).error, "ERR_GATEWAY_SIZE");
    assert.equal(playGateway("scgi", [Buffer.from("5:a\0b\0c,")]).error, "ERR_GATEWAY_SIZE");
  });

  it("a packet that ends early, and a body that does", () => {
    for (const spoken of ["uwsgi", "scgi", "fastcgi"] as const) {
      const whole = packet(spoken, BASE);
      const seen = playGateway(spoken, [whole.subarray(0, whole.length - 9)], { eof: true });
      assert.equal(seen.error, "ERR_GATEWAY_UNEXPECTED_EOF");
    }
    const body = [uwsgiPacket({ ...BASE, CONTENT_LENGTH: "9" }), Buffer.from("half")];
    assert.equal(playGateway("uwsgi", body, { eof: true }).error, "ERR_GATEWAY_UNEXPECTED_EOF");
  });

  it("other uwsgi plugins than Python's", () => {
    assert.equal(playGateway("uwsgi", [uwsgiPacket(BASE, { modifier1: 5 })]).error, "ERR_UWSGI_MODIFIER");
  });

  it("HTTP and TLS, by name", () => {
    for (const spoken of ["uwsgi", "scgi", "fastcgi"] as const) {
      assert.equal(playGateway(spoken, [Buffer.from("GET / HTTP/1.1\r\n\r\n")]).error, "ERR_GATEWAY_HTTP");
      assert.equal(
        playGateway(spoken, [Buffer.from("\x16\x03\x01\x02", "latin1")]).error,
        "ERR_GATEWAY_HTTP",
      );
    }
  });

  it("SCGI without its first words", () => {
    const { SCGI, ...rest } = BASE;
    assert.equal(playGateway("scgi", [scgiPacket({ SCGI, ...rest })]).error, "ERR_SCGI_HEAD");
    assert.equal(playGateway("scgi", [scgiPacket(rest)]).error, "ERR_SCGI_HEAD");
    assert.equal(playGateway("scgi", [Buffer.from("007:")]).error, "ERR_SCGI_HEAD");
    assert.equal(playGateway("scgi", [Buffer.from("9999999999:")]).error, "ERR_SCGI_HEAD");
  });
});
