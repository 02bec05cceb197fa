import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { clientsThatFit } from "../../../src/os/descriptors.ts";

function fitting(limit: string, workersMax = 2): number {
  const text = `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${limit}  files\n`;
  return clientsThatFit((path) => (path === "/proc/self/limits" ? text : undefined), workersMax);
}

describe("clients within the limit of open files", () => {
  it("leave an eighth to files, and at least what the front and its workers need", () => {
    equal(fitting("65536                65536"), 57_344);
    equal(fitting("256                  1024"), 256 - 56);
    equal(fitting("256                  1024", 32), 256 - 176);
  });

  it("are a few at the least", () => equal(fitting("16 16"), 8));

  it("are not bounded where there is no limit, or none is known", () => {
    equal(fitting("unlimited            unlimited"), Number.POSITIVE_INFINITY);
    equal(
      clientsThatFit(() => undefined, 2),
      Number.POSITIVE_INFINITY,
    );
  });
});
