// A client that is a Python program of test/clients: what real users' libraries see of the server.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { PYTHON, ROOT } from "./server.ts";
import { within } from "./wait.ts";

const DEADLINE_MS = 45_000;

/** What the program printed as JSON. */
export async function runClient(name: string, ...args: readonly string[]): Promise<unknown> {
  const child = spawn(PYTHON, [join(ROOT, "test/clients", `${name}.py`), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (bytes: Buffer) => {
    output += bytes.toString();
  });
  child.stderr.on("data", (bytes: Buffer) => {
    errors += bytes.toString();
  });
  try {
    const [code] = await within(DEADLINE_MS, name, once(child, "close"));
    assert.equal(code, 0, errors);
    return JSON.parse(output);
  } finally {
    child.kill("SIGKILL");
  }
}
