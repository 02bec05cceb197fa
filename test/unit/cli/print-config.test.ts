import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { printConfigText } from "../../../src/cli/print-config.ts";
import { loaded } from "../config/support.ts";

describe("--print-config", () => {
  it("shows an access log that is on by uvicorn's habit, with its form", () => {
    const text = printConfigText(loaded("--port 80 app"));
    assert.match(text, /^accesslog += - {2}# as uvicorn has it$/m);
    assert.match(text, /^access_log_format += INFO: {5}%\(C\)s - /m);
    assert.match(printConfigText(loaded("app")), /^accesslog += {3}# default$/m);
  });

  it("shows what a setting follows from others", () => {
    const text = printConfigText(loaded("--interface asgi3 --boot-timeout 10 app"));
    assert.match(text, /^worker_class += asgi {2}# default$/m);
    assert.match(text, /^lifespan_timeout += 10 {2}# default$/m);
  });
});
