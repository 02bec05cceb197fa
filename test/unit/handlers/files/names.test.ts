import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { contentTypeOf } from "../../../../src/handlers/files/content-type.ts";
import { isHashedName } from "../../../../src/handlers/files/hashed-name.ts";

describe("names with a content hash", () => {
  const hashed =
    `/app.3f9a2b1c.js /css/base.5af66c1b1797.css /main-3f9a2b1c.js /static/js/main.8a7b6c5d.chunk.js
    /assets/index-BWq3S1yk.js /assets/vendor-DiWrgTda.css /a.0123456789abcdef0123456789abcdef.png`.split(
      /\s+/,
    );
  for (const name of hashed) it(`are such as ${name}`, () => assert.ok(isHashedName(name)));

  const plain =
    `/app.js /jquery-3.7.1.min.js /my-document.js /assets/img-Original.png /assets/app-settings.js /report-20240101.pdf
    /assets/photo-20240101.jpg /font-awesome4.css /deadbeef.js /index-BWq3S1yk.js /assets/theme-darkBlue.css /app.deadbeef.js
    /app.12345678.js /3f9a2b1c`.split(/\s+/);
  for (const name of plain) it(`are none such as ${name}`, () => assert.ok(!isHashedName(name)));
});

describe("content types", () => {
  it("come from the name, with UTF-8 for text", () => {
    assert.equal(contentTypeOf("/a/b.html"), "text/html; charset=utf-8");
    assert.equal(contentTypeOf("/a.css"), "text/css; charset=utf-8");
    assert.equal(contentTypeOf("/a.mjs"), "text/javascript; charset=utf-8");
    assert.equal(contentTypeOf("/A.PNG"), "image/png");
    assert.equal(contentTypeOf("/a.woff2"), "font/woff2");
    assert.equal(contentTypeOf("/a.svg"), "image/svg+xml");
    assert.equal(contentTypeOf("/a.tar.gz"), "application/gzip");
  });

  it("are those of unknown bytes where a name says nothing", () => {
    for (const name of ["/LICENSE", "/x.unheard-of", "/.hidden", "/x.constructor", "/x.__proto__", "/x."]) {
      assert.equal(contentTypeOf(name), "application/octet-stream", name);
    }
  });
});
