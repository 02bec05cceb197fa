import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { errorPage } from "../../../src/http/error-page.ts";
import { reasonPhrase } from "../../../src/http/status.ts";

describe("error pages", () => {
  it("name the status and frame themselves", () => {
    const page = errorPage(404);
    assert.match(page.body, /<h1>404 Not Found<\/h1>/);
    assert.equal(
      page.block,
      `Content-Type: text/html\r\nContent-Length: ${Buffer.byteLength(page.body)}\r\n\r\n`,
    );
  });

  it("are made once when there is nothing to add", () => {
    assert.equal(errorPage(503), errorPage(503));
  });

  it("escape what they are told", () => {
    const page = errorPage(400, { reason: "<b>", detail: "a & \"b\" 'c' <script>\u2028\xe9" });
    assert.doesNotMatch(page.body, /<b>|<script>|[^\n -~]|"b"/);
    assert.equal(page.body.length, Buffer.byteLength(page.body));
  });

  it("carry further lines", () => {
    assert.match(errorPage(503, { lines: "Retry-After: 1\r\n" }).block, /\r\nRetry-After: 1\r\n\r\n$/);
  });
});

describe("reason phrases", () => {
  it("are the registered ones, or empty", () => {
    assert.equal(reasonPhrase(200), "OK");
    assert.equal(reasonPhrase(431), "Request Header Fields Too Large");
    assert.equal(reasonPhrase(299), "");
  });
});
