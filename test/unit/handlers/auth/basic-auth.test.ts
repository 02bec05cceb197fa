import assert from "node:assert/strict";
import { scryptSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { hashSync } from "bcryptjs";
import { BasicAuth } from "../../../../src/handlers/auth/basic-auth.ts";
import { Failures } from "../../../../src/handlers/auth/failures.ts";
import { parseUsers } from "../../../../src/handlers/auth/users.ts";
import type { RouteFacts } from "../../../../src/http/route-facts.ts";
import { FakeExchange } from "../../../harness/fake-exchange.ts";
import { temporaryFolder } from "../../../harness/temporary.ts";

const FACTS: RouteFacts = { mount: "", timeoutMs: undefined };
const BCRYPT = hashSync("open sesame", 4);

function scrypt(password: string): string {
  const salt = Buffer.from("0123456789abcdef");
  const hash = scryptSync(password, salt, 32, { N: 16, r: 8, p: 1 });
  const text = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/, "").replaceAll("+", ".");
  return `$scrypt$ln=4,r=8,p=1$${text(salt)}$${text(hash)}`;
}

interface Outcome {
  readonly exchange: FakeExchange;
  readonly facts: RouteFacts | undefined;
}

interface Gate {
  readonly file: string;
  /** Later by so many milliseconds. */
  pass(ms: number): void;
  ask(credentials: string | undefined, address?: string): Promise<Outcome>;
  /** Asks, and is gone before there is an answer. */
  leave(credentials: string): FakeExchange;
}

function gate(t: TestContext, users: string): Gate {
  const file = join(temporaryFolder(t), "users");
  writeFileSync(file, users);
  let nowMs = 0;
  const log = { debug: noLog, info: noLog, warning: noLog, error: noLog, critical: noLog };
  const auth = new BasicAuth({ log: log as never, nowMs: () => nowMs });
  t.after(() => auth.close());
  const judge = auth.authenticate(
    { realm: 'the "vault"', usersFile: file },
    ({ peer }) => peer.remoteAddress,
  );
  const ask = (credentials: string | undefined, address = "10.0.0.1"): Promise<Outcome> => {
    const given = credentials === undefined ? [] : ["Authorization", basic(credentials)];
    const exchange = new FakeExchange({ fields: ["Host", "x", ...given], peer: { remoteAddress: address } });
    return new Promise((resolve) => {
      void exchange.ended.then(() => resolve({ exchange, facts: undefined }));
      judge(exchange, FACTS, (facts) => resolve({ exchange, facts }));
    });
  };
  const leave = (credentials: string): FakeExchange => {
    const exchange = new FakeExchange({ fields: ["Host", "x", "Authorization", basic(credentials)] });
    judge(exchange, FACTS, () => assert.fail("nobody is there any more"));
    exchange.events?.onAbort("client-left");
    return exchange;
  };
  return { file, ask, leave, pass: (ms) => (nowMs += ms) };
}

function noLog(): void {
  // What is logged does not matter here.
}

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

describe("basic authentication", () => {
  it("asks for a password, and says in which encoding", async (t) => {
    const { exchange } = await gate(t, `ann:${BCRYPT}\n`).ask(undefined);
    assert.equal(exchange.status, 401);
    assert.match(exchange.block, /^WWW-Authenticate: Basic realm="the \\"vault\\"", charset="UTF-8"\r$/m);
  });

  it("lets right passwords through, as the user they are of, and gives the same facts each time", async (t) => {
    const { ask } = gate(t, `ann:${BCRYPT}\nbøb:${scrypt("pässword:1")}\n`);
    const ann = await ask("ann:open sesame");
    assert.deepEqual(ann.facts, { ...FACTS, user: "ann" });
    assert.equal((await ask("ann:open sesame")).facts, ann.facts);
    assert.equal((await ask("bøb:pässword:1")).facts?.user, "bøb");
  });

  for (const wrong of [
    "ann:open",
    "ann:",
    "nobody:open sesame",
    ":open sesame",
    "ann",
    "ann:open sesame\n",
  ]) {
    it(`refuses ${JSON.stringify(wrong)}`, async (t) => {
      const { exchange } = await gate(t, `ann:${BCRYPT}\n`).ask(wrong);
      assert.equal(exchange.status, 401);
    });
  }

  it("follows the file: who is taken out of it does not come in any more", async (t) => {
    const { ask, file, pass } = gate(t, `ann:${BCRYPT}\n`);
    assert.equal((await ask("ann:open sesame")).facts?.user, "ann");
    writeFileSync(file, `ann:${hashSync("another", 4)}\n`);
    pass(2_000);
    await ask(undefined); // whoever comes next makes it look
    await poll(async () => (await ask("ann:open sesame")).exchange.status === 401);
    assert.equal((await ask("ann:another")).facts?.user, "ann");
  });

  it("lets nobody in where the file cannot be read", async (t) => {
    const { ask, file } = gate(t, "");
    const { rmSync } = await import("node:fs");
    rmSync(file);
    assert.equal((await ask("ann:open sesame")).exchange.status, 503);
  });

  it("turns away who guesses, and nobody else", async (t) => {
    const { ask, pass } = gate(t, `ann:${BCRYPT}\n`);
    for (let i = 0; i < 10; i += 1) assert.equal((await ask(`ann:guess ${i}`)).exchange.status, 401);
    const refused = await ask("ann:guess again");
    assert.equal(refused.exchange.status, 429);
    assert.match(refused.exchange.block, /^Retry-After: 60\r$/m);
    assert.equal((await ask("ann:open sesame", "10.0.0.2")).facts?.user, "ann");
    pass(60_000);
    assert.equal((await ask("ann:guess later")).exchange.status, 401);
  });

  it("compares once what many ask at the same time", async (t) => {
    const { ask } = gate(t, `ann:${hashSync("slow", 8)}\n`);
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => ask("ann:slow")));
    assert.ok(outcomes.every(({ facts }) => facts?.user === "ann"));
  });

  it("bounds what waits", async (t) => {
    const { ask } = gate(t, `ann:${hashSync("slow", 8)}\n`);
    await ask("ann:slow"); // the file is read
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, i) => ask(`ann:guess ${i}`, `10.0.1.${i}`)),
    );
    const statuses = outcomes.map(({ exchange }) => exchange.status);
    assert.equal(statuses.filter((status) => status === 401).length, 32);
    assert.equal(statuses.filter((status) => status === 503).length, 28);
  });

  it("forgets an exchange whose client left meanwhile", async (t) => {
    const { ask, leave } = gate(t, `ann:${hashSync("slow", 8)}\n`);
    await ask("nobody:at all"); // the file is read
    const left = leave("ann:slow");
    await ask("ann:slow", "10.0.0.9"); // waits for the same comparison, behind it
    assert.deepEqual([left.status, left.aborted], [0, ""]);
  });
});

async function poll(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, "it did not come true");
    await new Promise((resolve) => setImmediate(resolve)); // so that the disk has its turn
  }
}

describe("a file of users", () => {
  it("has names and strong hashes; other lines are told", () => {
    const { hashes, problems } = parseUsers(
      `# people\n\nann:${BCRYPT}\r\nann:${BCRYPT}\nold:$apr1$x$y\nplain:secret\nnothing\n`,
    );
    assert.deepEqual([...hashes.keys()], ["ann"]);
    assert.deepEqual(problems, [
      "line 4: ann is named twice; the first line counts",
      "line 5: the hash of old is neither bcrypt nor scrypt; htpasswd -B makes a line with bcrypt",
      "line 6: the hash of plain is neither bcrypt nor scrypt; htpasswd -B makes a line with bcrypt",
      "line 7: expected NAME:HASH",
    ]);
  });
});

describe("failures", () => {
  it("count for a whole network of IPv6, and for one address of IPv4", () => {
    const failures = new Failures();
    for (let i = 0; i < 10; i += 1) failures.note(`2001:db8::${i}`, 0);
    assert.equal(failures.waitSeconds("2001:db8::ffff", 1_000), 59);
    assert.equal(failures.waitSeconds("2001:db8:0:1::1", 1_000), 0);
    for (let i = 0; i < 10; i += 1) failures.note("10.0.0.1", 0);
    assert.equal(failures.waitSeconds("10.0.0.1", 60_000), 0);
    assert.equal(failures.waitSeconds("10.0.0.2", 1), 0);
  });
});
