import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { AccessFilter } from "../../../src/log/access-filter.ts";
import type { AccessRecord } from "../../../src/log/access-record.ts";

function record(path: string, changes: Partial<AccessRecord> = {}): AccessRecord {
  return { head: { path }, status: 200, elapsedMs: 10, abortCause: undefined, ...changes } as AccessRecord;
}

describe("a selective access log", () => {
  it("is none where nothing was said", () => {
    equal(AccessFilter.of({ accessLogExcept: [], accessLogSlowMs: 0 }), undefined);
  });

  it("leaves paths out, and all that begin as one with a star says", () => {
    const filter = new AccessFilter(["/healthz", "/static/*"], 0);
    const written = ["/healthz", "/healthz/deep", "/static/a.css", "/static", "/"].filter((path) =>
      filter.admits(record(path)),
    );
    deepEqual(written, ["/healthz/deep", "/static", "/"]);
  });

  it("leaves out what was quick", () => {
    const filter = new AccessFilter([], 500);
    deepEqual(
      [499, 500].map((elapsedMs) => filter.admits(record("/", { elapsedMs }))),
      [false, true],
    );
  });

  it("always has what failed, was cut short, or could not be read", () => {
    const filter = new AccessFilter(["/*"], 500);
    equal(filter.admits(record("/")), false);
    equal(filter.admits(record("/", { status: 404 })), false);
    equal(filter.admits(record("/", { status: 502 })), true);
    equal(filter.admits(record("/", { abortCause: "client-left" })), true);
    equal(filter.admits(record("/", { head: undefined, status: 400 })), true);
  });
});
