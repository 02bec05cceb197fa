import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseEnvFile } from "../../../src/config/env-file.ts";
import type { Environment } from "../../../src/config/environment.ts";
import { describeProblem } from "../../../src/config/problem.ts";
import { configFrom, type Env, load, loaded } from "./support.ts";

function variables(text: string, env: Environment = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(parseEnvFile(text, env).variables);
}

/** Each as python-dotenv 1.x reads it. */
describe("environment file", () => {
  for (const [title, text, expected] of [
    ["plain values", "A=1\nB = b c  \r\nC=", { A: "1", B: "b c", C: "" }],
    ["export in front", "export A=1\nexport\tB=2", { A: "1", B: "2" }],
    ["comments", "# x\n  # y=1\nA=1 # z\nB=x#y\nC=#z\nD= # z", { A: "1", B: "x#y", C: "#z", D: "" }],
    ["an equals sign in a value", "A==b=c", { A: "=b=c" }],
    ["quotes", `A='a b'\nB="a # b" # c\nC= "c"`, { A: "a b", B: "a # b", C: "c" }],
    ["quoted names", "'A'=1", { A: "1" }],
    ["values over several lines", `A="1\n2"\nB='3\n4'`, { A: "1\n2", B: "3\n4" }],
    ["escapes in double quotes", `A="a\\n\\t\\"\\\\\\x"`, { A: 'a\n\t"\\\\x' }],
    ["quotes and backslashes only in single ones", `A='a\\n\\'\\\\'`, { A: "a\\n'\\" }],
    ["the last of several values", "A=1\nA=2", { A: "2" }],
    ["a name alone as taking it back", "A=1\nB=2\nA", { B: "2" }],
    ["other names filled in", `A=1\nB=\${A}\${C}-\${D:-d}\${A:-x}`, { A: "1", B: "1-d1" }],
    [
      "names filled in between quotes too",
      `A=1\nB="\${A}"\nC='\${A}'\nD=$A`,
      { A: "1", B: "1", C: "1", D: "$A" },
    ],
    ["a byte order mark as nothing", "\uFEFFA=1", { A: "1" }],
    ["__proto__ as a name like others", `__proto__=1\nA=\${constructor}`, { A: "" }],
  ] as const) {
    it(`reads ${title}`, () => {
      const { __proto__: _, ...rest } = variables(text);
      assert.deepEqual(rest, expected);
    });
  }

  it("fills in what is set already rather than its own", () => {
    assert.deepEqual(variables(`A=1\nB=\${A}`, { A: "real" }), { A: "1", B: "real" });
  });

  it("names the lines that it cannot read, and reads the others", () => {
    const { variables: read, badLines } = parseEnvFile(`=1\nA=1\nB='x'y\nC="1\n2"\n=\nD="open\nE`, {});
    assert.deepEqual(Object.fromEntries(read), { A: "1", C: "1\n2" });
    assert.deepEqual(badLines, [1, 3, 6, 7]);
  });

  it("ends for any text in a bounded number of steps", () => {
    for (const text of ["=".repeat(50_000), `A="${"\\".repeat(50_000)}`, "'".repeat(50_000), "\0\0A=1\n\0"]) {
      assert.ok(parseEnvFile(text, {}).badLines.length > 0);
    }
  });
});

describe("--env-file", () => {
  const files: Readonly<Record<string, string>> = {
    "/srv/.env": `A=file\nB=file\nC=\${HOME}\nWEB_CONCURRENCY=3\nFORWARDED_ALLOW_IPS=10.0.0.1\nPORT=99\n=?`,
  };
  const from = (command: string, env: Env = {}): ReturnType<typeof loaded> => loaded(command, env, files);

  it("adds to the application's environment what is set nowhere else", () => {
    const { config } = from("--env-file .env -e B=flag app", { A: "real", HOME: "/root" });
    assert.deepEqual(
      config.env.filter(([name]) => name.length === 1),
      [
        ["C", "/root"],
        ["B", "flag"],
      ],
    );
  });

  it("may set what uvicorn looks up there, weaker than everything else that is said", () => {
    const { config, origins } = from("--env-file .env app");
    assert.equal(config.workers, 3);
    assert.equal(origins.workers.text, ".env: WEB_CONCURRENCY");
    assert.deepEqual(config.forwardedAllowIps, ["10.0.0.1"]);
    assert.equal(from("--env-file .env app", { WEB_CONCURRENCY: "2" }).config.workers, 2);
    assert.equal(from("--env-file .env -w 4 app").config.workers, 4);
  });

  it("leaves the port to the environment that the server was started in", () => {
    assert.deepEqual(from("--env-file .env -k sync app").config.bind, configFrom("app").bind);
  });

  it("warns of lines that cannot be read", () => {
    assert.deepEqual(from("app", { UVICORN_ENV_FILE: ".env" }).warnings, [
      ".env, line 7 is left out: expected NAME=VALUE",
    ]);
  });

  it("is looked for below --chdir", () => {
    assert.equal(from("--chdir /srv --env-file .env app").config.workers, 3);
    const result = load("--chdir app --env-file .env app", {}, files);
    assert.ok(!result.ok);
    assert.deepEqual(result.problems.map(describeProblem), ['--env-file ".env": the file cannot be read']);
  });
});
