import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CertificateKeeper, type ListenerMaterial } from "../../../src/arbiter/certificate-keeper.ts";
import { readCertificates } from "../../../src/arbiter/certificates.ts";
import type { Clock } from "../../../src/base/ports.ts";
import { plainListener, type TlsConfig } from "../../../src/config/listener.ts";
import { Authority, NO_OPENSSL, tlsConfig } from "../../harness/certificates.ts";
import { MemoryLog } from "../../harness/front-parts.ts";
import { ManualClock } from "../../harness/manual-clock.ts";

/** A key of nobody's, whose password is "secret". "wrong 599" gives a good padding. */
const KEY_ENCRYPTED = `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIH0MF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBA7eIYvALnq1dX2PbwT
YacWAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQSTMO7ZeSBPVaZdAB
4LWEywSBkMA/ZvCLvIj85QNQkDkekdtpmDrgNtUdW8dm4tasobUK60cFW2+Xgv6l
fCXtxs4ND35HMxnT2Xc5aMhMuIizGuQUJpdNiNZQeiCsI2ReV5NtDMo16gliPez3
dLcjXAEkPoxp4CFFxO4KHqpQW1kK+TnP4kgDHhSvSmKyzbXB5q8eQTsNgmZG5aC+
0I56qzPS4g==
-----END ENCRYPTED PRIVATE KEY-----
`;

const OPTIONS = { skip: NO_OPENSSL };

function problemsOf(tls: TlsConfig): string {
  const { material, problems } = readCertificates(tls, Date.now());
  assert.equal(material, undefined);
  return problems.join("\n");
}

describe("reading certificates", OPTIONS, () => {
  it("gives the certificate with its chain, and the key without its password", (t) => {
    const authority = new Authority(t);
    const issued = authority.issue({ names: ["a.test"] });
    const chain = `${issued.certificate}.chain`;
    const text = `${readFileSync(issued.certificate, "utf8")}some words\n${readFileSync(authority.certificate, "utf8")}`;
    writeFileSync(chain, text);
    const key = authority.encrypt(issued, "secret");
    const tls = { ...tlsConfig([]), certificates: [{ certificate: chain, key, password: "secret" }] };
    const { material, problems, warnings } = readCertificates(tls, Date.now());
    assert.deepEqual([problems, warnings], [[], []]);
    assert.equal(material?.pairs[0]?.certificate.match(/BEGIN CERTIFICATE/g)?.length, 2);
    assert.match(material?.pairs[0]?.key ?? "", /^-----BEGIN PRIVATE KEY-----/);
  });

  it("takes certificate and key from one file", (t) => {
    const issued = new Authority(t).issue({ names: ["a.test"] });
    const both = `${issued.certificate}.both`;
    writeFileSync(both, readFileSync(issued.key, "utf8") + readFileSync(issued.certificate, "utf8"));
    const { problems } = readCertificates(tlsConfig([{ certificate: both, key: both }]), Date.now());
    assert.deepEqual(problems, []);
  });

  it("tells of everything that is wrong at once, each with the file's name", (t) => {
    const authority = new Authority(t);
    const [one, other] = [authority.issue({ names: ["a.test"] }), authority.issue({ names: ["b.test"] })];
    const empty = join(authority.folder, "empty.pem");
    writeFileSync(empty, "");
    const tls = tlsConfig([
      { certificate: "/nowhere/c.pem", key: one.key },
      { certificate: one.certificate, key: other.key },
      { certificate: empty, key: one.key },
      { certificate: one.certificate, key: one.certificate },
      { certificate: authority.folder, key: one.key },
    ]);
    const problems = problemsOf({ ...tls, clientCa: empty });
    for (const expected of [
      /\/nowhere\/c\.pem cannot be read: there is no such file/,
      new RegExp(`private key ${other.key} does not belong to the first certificate in ${one.certificate}`),
      new RegExp(`${empty} holds no certificate in PEM form \\(`),
      new RegExp(
        `${one.certificate} holds no private key in PEM form .*; name the key's own file by --keyfile`,
      ),
      new RegExp(`${authority.folder} cannot be read: it is a folder`),
      new RegExp(`${empty} holds no certificate in PEM form$`, "m"),
    ]) {
      assert.match(problems, expected);
    }
    assert.equal(problems.split("\n").length, 6, problems);
  });

  it("tells a missing password from a wrong one", (t) => {
    const authority = new Authority(t);
    const issued = authority.issue({ names: ["a.test"] });
    const key = authority.encrypt(issued, "secret");
    const withPassword = (password: string): TlsConfig => ({
      ...tlsConfig([]),
      certificates: [{ ...issued, key, password }],
    });
    assert.match(
      problemsOf(withPassword("")),
      /it is encrypted, give its password by --ssl-keyfile-password/,
    );
    assert.match(problemsOf(withPassword("wrong")), /the password of --ssl-keyfile-password is wrong/);
  });

  it("knows a wrong password that by chance decrypts the key to rubbish", (t) => {
    const issued = new Authority(t).issue({ names: ["a.test"] });
    const key = `${issued.key}.known`;
    writeFileSync(key, KEY_ENCRYPTED);
    const tls = { ...tlsConfig([]), certificates: [{ ...issued, key, password: "wrong 599" }] };
    assert.match(
      problemsOf(tls),
      /the password of --ssl-keyfile-password is wrong, or the file is not whole/,
    );
  });

  it("tells of what is cut off", (t) => {
    const issued = new Authority(t).issue({ names: ["a.test"] });
    const cut = (path: string): string => {
      const text = readFileSync(path, "utf8");
      const lines = text.trim().split("\n");
      writeFileSync(`${path}.cut`, [lines[0], lines[1]?.slice(0, 20), lines.at(-1), ""].join("\n"));
      return `${path}.cut`;
    };
    const half = tlsConfig([{ certificate: cut(issued.certificate), key: issued.key }]);
    assert.match(problemsOf(half), /certificate in .*\.cut cannot be read; is it whole\?/);
    const other = tlsConfig([{ certificate: issued.certificate, key: cut(issued.key) }]);
    assert.match(problemsOf(other), /private key .*\.cut cannot be used: .*; is it whole\?/);
  });

  it("tells of ciphers that OpenSSL does not know", (t) => {
    const issued = new Authority(t).issue({ names: ["a.test"] });
    assert.match(
      problemsOf(tlsConfig([issued], { ciphers: "NOTHING" })),
      /--ciphers NOTHING: OpenSSL knows none/,
    );
  });

  it("warns of what has expired, will soon, or is not valid yet", (t) => {
    const authority = new Authority(t);
    const issued = [
      authority.issue({ names: ["a.test"], days: -1 }),
      authority.issue({ names: ["b.test"], days: 5 }),
    ];
    const { problems, warnings } = readCertificates(tlsConfig(issued), Date.now());
    assert.deepEqual(problems, []);
    assert.match(warnings[0] ?? "", /1\.pem expired on .*: clients will refuse it; renew it/);
    assert.match(warnings[1] ?? "", /2\.pem expires in [45] days, on .*: renew it/);
    const early = readCertificates(tlsConfig(issued.slice(1)), Date.now() - 10 * 86_400_000);
    assert.match(early.warnings[0] ?? "", /is not valid before/);
  });
});

describe("certificate keeper", OPTIONS, () => {
  interface Kept {
    readonly keeper: CertificateKeeper;
    readonly clock: ManualClock;
    readonly log: MemoryLog;
    readonly changes: ListenerMaterial[];
  }

  function keep(t: { after(fn: () => void): void }, tls: TlsConfig, count = 1): Kept {
    const clock = new ManualClock();
    const log = new MemoryLog();
    const listener = { ...plainListener({ kind: "tcp", host: "127.0.0.1", port: 0 }), tls };
    const listeners = [...Array.from({ length: count }, () => listener), { ...listener, tls: null }];
    const world: Clock = {
      nowMs: () => clock.nowMs(),
      unixMs: () => Date.now(), // openssl dates certificates by it
      after: (delayMs, callBack) => clock.after(delayMs, callBack),
    };
    const keeper = new CertificateKeeper(
      listeners.map((settings, id) => ({ id, settings })),
      world,
      log,
    );
    assert.equal(keeper.readAll(), true, log.lines.join("\n"));
    const changes: ListenerMaterial[] = [];
    keeper.watch((changed) => changes.push(...changed));
    t.after(() => keeper.close());
    return { keeper, clock, log, changes };
  }

  /** Two looks: one sees the change, the next that it is over. */
  function look(clock: ManualClock): void {
    clock.advance(2_000);
    clock.advance(2_000);
  }

  it("gives all listeners with the same settings the same, and plain ones nothing", (t) => {
    const { keeper } = keep(t, tlsConfig([new Authority(t).issue({ names: ["a.test"] })]), 2);
    assert.deepEqual(
      keeper.materials.map(({ listener }) => listener),
      [0, 1],
    );
    assert.equal(keeper.materials[0]?.material.ticketKeys, keeper.materials[1]?.material.ticketKeys);
    assert.equal(Buffer.from(keeper.materials[0]?.material.ticketKeys ?? "", "base64").length, 48);
  });

  it("sees files that were written anew, and keeps the keys of tickets", (t) => {
    const authority = new Authority(t);
    const [one, other] = [authority.issue({ names: ["a.test"] }), authority.issue({ names: ["b.test"] })];
    const { keeper, clock, changes, log } = keep(t, tlsConfig([one]));
    const before = keeper.materials[0]?.material;
    look(clock);
    assert.equal(changes.length, 0);
    copyFileSync(other.certificate, one.certificate);
    copyFileSync(other.key, one.key);
    look(clock);
    assert.equal(changes.length, 1);
    assert.notEqual(changes[0]?.material.pairs[0]?.certificate, before?.pairs[0]?.certificate);
    assert.equal(changes[0]?.material.ticketKeys, before?.ticketKeys);
    assert.deepEqual(log.lines, ["info certificates read again"]);
    look(clock);
    assert.equal(changes.length, 1);
  });

  it("waits until key and certificate are both there", (t) => {
    const authority = new Authority(t);
    const [one, other] = [authority.issue({ names: ["a.test"] }), authority.issue({ names: ["b.test"] })];
    const { clock, changes, log } = keep(t, tlsConfig([one]));
    copyFileSync(other.certificate, one.certificate);
    clock.advance(2_000);
    copyFileSync(other.key, one.key);
    clock.advance(2_000);
    assert.deepEqual(log.lines, []);
    clock.advance(2_000);
    assert.equal(changes.length, 1);
  });

  it("sees a symbolic link that was turned, as Kubernetes does it", (t) => {
    const authority = new Authority(t);
    const place = (name: string): void => {
      const issued = authority.issue({ names: [name] });
      mkdirSync(join(authority.folder, name));
      copyFileSync(issued.certificate, join(authority.folder, name, "tls.crt"));
      copyFileSync(issued.key, join(authority.folder, name, "tls.key"));
    };
    place("..1");
    place("..2");
    const at = (name: string): string => join(authority.folder, name);
    symlinkSync("..1", at("..data"));
    symlinkSync("..data/tls.crt", at("tls.crt"));
    symlinkSync("..data/tls.key", at("tls.key"));
    const { clock, changes } = keep(t, tlsConfig([{ certificate: at("tls.crt"), key: at("tls.key") }]));
    symlinkSync("..2", at("..data_tmp"));
    renameSync(at("..data_tmp"), at("..data"));
    look(clock);
    assert.equal(changes.length, 1);
  });

  it("keeps what it has when the new pair is broken, says so once, and goes on when it is mended", (t) => {
    const authority = new Authority(t);
    const [one, other] = [authority.issue({ names: ["a.test"] }), authority.issue({ names: ["b.test"] })];
    const { keeper, clock, changes, log } = keep(t, tlsConfig([one]));
    const before = keeper.materials;
    copyFileSync(other.certificate, one.certificate);
    for (let i = 0; i < 5; i++) look(clock);
    keeper.readAgain();
    assert.deepEqual(keeper.materials, before);
    assert.equal(changes.length, 0);
    assert.equal(log.lines.length, 1);
    assert.match(log.lines[0] ?? "", /^error the private key .* does not belong.*read before stays in use$/);
    rmSync(one.key);
    look(clock);
    assert.match(
      log.lines[1] ?? "",
      /there is no such file; the certificate that was read before stays in use/,
    );
    copyFileSync(other.key, one.key);
    look(clock);
    assert.equal(changes.length, 1);
  });

  it("reads everything when it is told to", (t) => {
    const authority = new Authority(t);
    const [one, other] = [authority.issue({ names: ["a.test"] }), authority.issue({ names: ["b.test"] })];
    const { keeper, changes } = keep(t, tlsConfig([one]));
    keeper.readAgain();
    assert.equal(changes.length, 0);
    copyFileSync(other.certificate, one.certificate);
    copyFileSync(other.key, one.key);
    keeper.readAgain();
    assert.equal(changes.length, 1);
  });

  it("seals session tickets with another key every day", (t) => {
    const { keeper, clock, changes } = keep(t, tlsConfig([new Authority(t).issue({ names: ["a.test"] })]));
    const before = keeper.materials[0]?.material.ticketKeys;
    clock.advance(24 * 3_600_000);
    assert.ok(changes.length > 0);
    assert.notEqual(changes.at(-1)?.material.ticketKeys, before);
  });
});
