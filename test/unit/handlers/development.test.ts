import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { devPageHtml, devPageText } from "../../../src/handlers/dev-page.ts";
import { type Breakage, Development } from "../../../src/handlers/development.ts";
import { parseReport } from "../../../src/handlers/failure-report.ts";
import { FakeExchange } from "../../harness/fake-exchange.ts";

const REPORT = JSON.stringify({
  causes: [
    {
      type: "NameError",
      message: "NameError: name '<b>' is not defined",
      link: "",
      frames: [
        { file: "/p/app.py", line: 2, name: "index", own: true, first: 1, source: ["x = 1", "<b>", "y = 2"] },
        { file: "/lib/flask.py", line: 9, name: "run", own: false, first: 9, source: ["call()"] },
      ],
    },
  ],
});
const BREAKAGE: Breakage = {
  message: "importing app failed",
  hint: "is flask installed?",
  traceback: "Traceback: …",
  report: REPORT,
};
const BROWSER = { fields: ["Host", "example.org", "Accept", "text/html,*/*"] };

describe("the page of a failure", () => {
  const failure = { title: "GET /", message: "m", hint: "", causes: parseReport(REPORT), traceback: "" };

  it("escapes all that comes from code", () => {
    const page = devPageHtml(failure, { version: "1", refreshes: true });
    assert.ok(!page.includes("<b>'"));
    assert.match(page, /<mark><i>2<\/i>&#60;b&#62;\n<\/mark>/);
  });

  it("shows many calls inside libraries as one line, but the one where it happened", () => {
    const [cause] = failure.causes;
    const [own, library] = cause?.frames ?? [];
    assert.ok(cause && own && library);
    const frames = [library, { ...library }, { ...library }, own, { ...library }, { ...library, line: 77 }];
    const page = devPageHtml(
      { ...failure, causes: [{ ...cause, frames }] },
      { version: "1", refreshes: true },
    );
    assert.deepEqual(page.match(/\d+ calls inside libraries/g), ["3 calls inside libraries"]);
    assert.match(page, /<details class="library"><summary><code>\/lib\/flask\.py:77/);
  });

  it("opens the developer's own frames, and closes those of libraries", () => {
    const page = devPageHtml(failure, { version: "1", refreshes: true });
    assert.match(page, /<details open><summary><code>\/p\/app\.py:2/);
    assert.match(page, /<details class="library"><summary><code>\/lib\/flask\.py:9/);
  });

  it("needs nothing from elsewhere", () => {
    assert.doesNotMatch(
      devPageHtml(failure, { version: "1", refreshes: true }),
      /https?:|src=|@import|url\(/,
    );
  });

  it("refreshes nothing that a form has sent", () => {
    assert.doesNotMatch(devPageHtml(failure, { version: "1", refreshes: false }), /<script/);
  });

  it("is a traceback for those who are no browser", () => {
    const text = devPageText(failure);
    assert.match(text, /\/p\/app\.py:2, in index\n {4}<b>/);
    assert.match(text, /NameError: name '<b>' is not defined/);
  });

  it("falls back on the plain traceback when the report is none", () => {
    const causes = parseReport('{"causes": "no"}');
    assert.deepEqual(causes, []);
    assert.match(devPageText({ ...failure, causes, traceback: "Traceback: …" }), /Traceback/);
  });
});

describe("development", () => {
  it("answers every request with the reason while the code is broken", () => {
    const development = new Development("s");
    assert.equal(development.takes(new FakeExchange()), false);
    development.broke(BREAKAGE);
    const html = new FakeExchange(BROWSER);
    assert.ok(development.takes(html));
    assert.equal(html.status, 500);
    assert.match(html.block, /text\/html/);
    assert.match(html.text, /is flask installed/);
    const text = new FakeExchange();
    assert.ok(development.takes(text));
    assert.match(text.block, /text\/plain/);
    development.mended();
    assert.equal(development.takes(new FakeExchange()), false);
  });

  it("tells waiting pages of new code, once", () => {
    const development = new Development("s");
    const page = new FakeExchange({ target: "/-/reload?s-0" });
    assert.ok(development.takes(page));
    assert.equal(page.status, 0);
    development.serves();
    assert.equal(page.status, 205);
    const late = new FakeExchange({ target: "/-/reload?s-0" });
    development.takes(late);
    assert.equal(late.status, 205);
  });

  it("keeps nobody waiting when the server ends", () => {
    const development = new Development("s");
    const pages = [0, 1].map(() => new FakeExchange({ target: "/-/reload?s-0" }));
    development.takes(pages[0] as FakeExchange);
    development.stop();
    development.takes(pages[1] as FakeExchange);
    assert.deepEqual(
      pages.map(({ status }) => status),
      [204, 204],
    );
  });

  it("forgets a waiting page whose client left", () => {
    const development = new Development("s");
    const page = new FakeExchange({ target: "/-/reload?s-0" });
    development.takes(page);
    page.events?.onAbort("client-left");
    development.serves();
    assert.equal(page.status, 0);
  });
});
