import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseAccessFormat } from "../../../src/config/access-grammar.ts";
import { parseAddress, showAddress } from "../../../src/config/address.ts";
import {
  chooseInterpreter,
  describeMissingInterpreter,
  interpreterCandidates,
} from "../../../src/config/interpreter.ts";
import { parseDuration, parseSize, showDuration, showSize } from "../../../src/config/quantity.ts";
import { editDistance, suggest } from "../../../src/config/suggest.ts";
import { isNetwork } from "../../../src/config/trust.ts";
import { splitWords } from "../../../src/config/words.ts";

describe("sizes", () => {
  for (const [text, bytes] of [
    ["0", 0],
    ["65536", 65536],
    ["64k", 65536],
    ["64K", 65536],
    ["64KiB", 65536],
    ["64kb", 65536],
    ["10M", 10_485_760],
    ["1.5M", 1_572_864],
    ["1G", 2 ** 30],
    ["7b", 7],
    [" 7 ", 7],
    ["", undefined],
    ["k", undefined],
    ["-1", undefined],
    ["1x", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["999999999999999T", undefined],
  ] as const) {
    it(`read ${JSON.stringify(text)}`, () => assert.equal(parseSize(text), bytes));
  }

  it("are shown in the shortest exact form", () => {
    assert.deepEqual([0, 7, 1024, 1536, 2 ** 20, 2 ** 30].map(showSize), [
      "0",
      "7",
      "1k",
      "1536",
      "1M",
      "1G",
    ]);
  });
});

describe("lengths of time", () => {
  for (const [text, ms] of [
    ["30", 30_000],
    ["1.5", 1500],
    ["0", 0],
    ["500ms", 500],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1h30m", 5_400_000],
    ["1m 30", 90_000],
    ["1d", 86_400_000],
    ["30S", 30_000],
    ["", undefined],
    ["m", undefined],
    ["-1", undefined],
    ["1y", undefined],
    ["30 30", undefined],
    ["25d", undefined],
    ["1e3", undefined],
  ] as const) {
    it(`read ${JSON.stringify(text)}`, () => assert.equal(parseDuration(text), ms));
  }

  it("are shown so that they are read back", () => {
    for (const ms of [0, 1, 50, 250, 1500, 30_000]) assert.equal(parseDuration(showDuration(ms)), ms);
  });
});

describe("addresses", () => {
  const tcp = (host: string, port: number): unknown => ({ kind: "tcp", host, port });
  for (const [text, expected] of [
    ["127.0.0.1:80", tcp("127.0.0.1", 80)],
    ["localhost", tcp("localhost", 8000)],
    ["LocalHost:1", tcp("localhost", 1)],
    [":8001", tcp("0.0.0.0", 8001)],
    ["*:8001", tcp("0.0.0.0", 8001)],
    ["", tcp("0.0.0.0", 8000)],
    ["tcp://10.0.0.1:5", tcp("10.0.0.1", 5)],
    ["[::1]:80", tcp("::1", 80)],
    ["[::]", tcp("::", 8000)],
    ["[fe80::1%eth0]:80", tcp("fe80::1%eth0", 80)],
    ["127.0.0.1:0", tcp("127.0.0.1", 0)],
    ["unix:/run/a.sock", { kind: "unix", path: "/run/a.sock" }],
    ["unix:///run/a.sock", { kind: "unix", path: "/run/a.sock" }],
    ["unix:a.sock", { kind: "unix", path: "a.sock" }],
    ["unix:@abstract", { kind: "unix", path: "@abstract" }],
    ["fd://3", { kind: "fd", fd: 3 }],
  ] as const) {
    it(`read ${JSON.stringify(text)}`, () =>
      assert.deepEqual(parseAddress(text), { ok: true, value: expected }));
  }

  for (const [text, reason] of [
    ["8000", /a port alone is written :8000/],
    ["::1", /an IPv6 address stands in brackets/],
    ["::1:8000", /an IPv6 address stands in brackets/],
    ["127.0.0.1:65536", /a port is at most 65535/],
    ["127.0.0.1:x", /expected HOST/],
    ["http://x:1", /expected HOST/],
    ["a b:1", /expected HOST/],
    ["unix:", /expected a path/],
    ["unix:@", /expected a path/],
    [`unix:/${"x".repeat(107)}`, /at most 107 bytes/],
    ["fd://x", /number of an open file descriptor/],
  ] as const) {
    it(`refuse ${text.slice(0, 20)}`, () => {
      const reading = parseAddress(text);
      assert.ok(!reading.ok);
      assert.match(reading.reason, reason);
    });
  }

  it("are shown as they are read", () => {
    for (const text of ["127.0.0.1:80", "[::1]:80", "unix:/a", "unix:@a", "fd://3"]) {
      const reading = parseAddress(text);
      assert.ok(reading.ok);
      assert.equal(showAddress(reading.value), text);
    }
  });
});

describe("networks", () => {
  it("are addresses, prefixes and the star", () => {
    for (const text of ["*", "10.0.0.1", "10.0.0.0/8", "::1", "fe80::/10", "0.0.0.0/0"])
      assert.ok(isNetwork(text), text);
    for (const text of ["", "10.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8/8", "host"]) {
      assert.ok(!isNetwork(text), text);
    }
  });
});

describe("suggestions", () => {
  it("count insertions, deletions, replacements and swaps", () => {
    assert.equal(editDistance("workers", "workers"), 0);
    assert.equal(editDistance("wrokers", "workers"), 1);
    assert.equal(editDistance("worker", "workers"), 1);
    assert.equal(editDistance("", "abc"), 3);
  });

  it("prefer the word that was cut short, and stay silent when nothing is near", () => {
    assert.equal(suggest("--access-log-f", ["--access-log-format", "--access-log"]), "--access-log-format");
    assert.equal(suggest("--xyzzy", ["--workers"]), undefined);
  });
});

describe("shell words", () => {
  for (const [text, words] of [
    ["", []],
    ["  ", []],
    ["-w 4 --name 'a b'", ["-w", "4", "--name", "a b"]],
    ['--f="%(h)s \\"x\\" $y"', ['--f=%(h)s "x" $y']],
    ["a\\ b 'c'd\"e\"", ["a b", "cde"]],
    ["''", [""]],
    ["'open", undefined],
    ['a "open', undefined],
  ] as const) {
    it(`of ${text}`, () => assert.deepEqual(splitWords(text), words));
  }

  it("are split in time that grows with the text", () => {
    assert.equal(splitWords(`${"a".repeat(100_000)}'`), undefined);
  });
});

describe("access log grammar", () => {
  it("splits text and atoms", () => {
    assert.deepEqual(parseAccessFormat("a%%b %(h)s%({X-Y}I)s"), {
      ok: true,
      value: [
        { type: "text", text: "a%b " },
        { type: "atom", atom: "h" },
        { type: "named", kind: "i", name: "x-y" },
      ],
    });
  });

  for (const format of ["%", "%(h)", "%h", "%(zz)s", "%({}i)s", "%({x}z)s", "100%"]) {
    it(`refuses ${format}`, () => assert.ok(!parseAccessFormat(format).ok));
  }
});

describe("interpreter", () => {
  const here =
    (...paths: readonly string[]) =>
    (program: string) =>
      paths.find((path) => path === program);

  it("is the named one or none", () => {
    const candidates = interpreterCandidates({ python: "/x/python", virtualEnv: "/v", folders: ["/srv"] });
    assert.deepEqual(candidates, [{ program: "/x/python", because: "--python" }]);
    assert.equal(chooseInterpreter(candidates, here("/v/bin/python")), undefined);
  });

  it("is the first of virtual environment, .venv and python3", () => {
    const candidates = interpreterCandidates({
      python: "",
      virtualEnv: "/v",
      folders: ["/srv", "/srv/app", "/srv"],
    });
    assert.deepEqual(
      candidates.map(({ program }) => program),
      ["/v/bin/python", "/srv/.venv/bin/python", "/srv/app/.venv/bin/python", "python3"],
    );
    assert.deepEqual(chooseInterpreter(candidates, here("/srv/.venv/bin/python", "python3")), {
      path: "/srv/.venv/bin/python",
      because: ".venv",
    });
  });

  it("of an application beside others is looked for in its own folder first", () => {
    const asked = { python: "", virtualEnv: "/v", folders: ["/srv", "/srv/shop"], ownFolder: "/srv/shop" };
    assert.deepEqual(
      interpreterCandidates(asked).map(({ program }) => program),
      ["/srv/shop/.venv/bin/python", "/v/bin/python", "/srv/.venv/bin/python", "python3"],
    );
    assert.deepEqual(interpreterCandidates({ ...asked, python: "/x" }), [
      { program: "/x", because: "--python" },
    ]);
  });

  it("is asked for with all that was tried", () => {
    const candidates = interpreterCandidates({ python: "", virtualEnv: undefined, folders: ["/srv"] });
    assert.match(
      describeMissingInterpreter(candidates),
      /tried \/srv\/\.venv\/bin\/python \(\.venv\), python3 \(PATH\)/,
    );
  });
});
