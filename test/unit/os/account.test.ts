import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupId, userId } from "../../../src/os/account.ts";

const FILES: Readonly<Record<string, string>> = {
  "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:34::/var/www:/bin/false\n",
  "/etc/group": "root:x:0:\nwww:x:82:\n",
};
const read = (path: string): string | undefined => FILES[path];

describe("accounts", () => {
  it("are found by name", () => assert.deepEqual([userId("www-data", read), groupId("www", read)], [33, 82]));
  it("may be given by number", () => assert.deepEqual([userId("1234", read), groupId("0", read)], [1234, 0]));
  it("stay as they are when nothing is named", () => assert.equal(userId("", read), -1));
  it("that are not there are not guessed", () => {
    assert.equal(userId("www", read), undefined);
    assert.equal(
      groupId("www", () => undefined),
      undefined,
    );
  });
});
