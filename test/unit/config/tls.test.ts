import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Config } from "../../../src/config/config.ts";
import { type Loaded, loadConfig } from "../../../src/config/load.ts";
import { SETTINGS } from "../../../src/config/settings.ts";

function load(line: string, env: Record<string, string> = {}): Loaded {
  const countWorkers = (): { workers: number; arithmetic: string } => ({ workers: 1, arithmetic: "" });
  return loadConfig({ argv: [...line.split(" "), "a"], env, cwd: "/srv", countWorkers });
}

function configOf(line: string, env: Record<string, string> = {}): Config {
  const loaded = load(line, env);
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.config;
}

function problemsOf(line: string): string[] {
  const loaded = load(line);
  assert.ok(!loaded.ok);
  return loaded.problems.map(({ where, reason }) => `${where}: ${reason}`);
}

const PAIR = { certificate: "/srv/c.pem", key: "/srv/k.pem", password: "" };

describe("TLS on the command line", () => {
  it("is spoken on every address of --bind, as with gunicorn", () => {
    const { listeners } = configOf("--certfile c.pem --keyfile k.pem -b :1 -b unix:a.sock");
    assert.equal(listeners.length, 2);
    for (const { tls } of listeners) {
      assert.deepEqual(tls, {
        certificates: [PAIR],
        clientCa: "",
        clientCertificate: "none",
        ciphers: "",
        versionMin: "TLSv1.2",
        handshakeTimeoutMs: 10_000,
      });
    }
  });

  it("is plain text without a certificate", () => {
    assert.equal(configOf("-b :1").listeners[0]?.tls, null);
  });

  it("takes uvicorn's words and variables", () => {
    const env = {
      UVICORN_SSL_CERTFILE: "/c.pem",
      UVICORN_SSL_KEYFILE_PASSWORD: "secret",
      UVICORN_SSL_CERT_REQS: "2",
      UVICORN_SSL_CA_CERTS: "/ca.pem",
    };
    const tls = configOf("--ssl-keyfile /k.pem --ssl-ciphers ECDHE+AESGCM", env).listeners[0]?.tls;
    assert.deepEqual(tls?.certificates, [{ certificate: "/c.pem", key: "/k.pem", password: "secret" }]);
    assert.equal(tls?.clientCertificate, "required");
    assert.equal(tls?.clientCa, "/ca.pem");
    assert.equal(tls?.ciphers, "ECDHE+AESGCM");
  });

  it("finds the key in the certificate's file where no other is named", () => {
    const tls = configOf("--certfile both.pem").listeners[0]?.tls;
    assert.deepEqual(tls?.certificates, [
      { certificate: "/srv/both.pem", key: "/srv/both.pem", password: "" },
    ]);
  });

  it("takes several certificates, that of --certfile first", () => {
    const line = "--tls-certificate b.pem,b.key --tls-certificate d.pem --certfile c.pem --keyfile k.pem";
    const { certificates } = configOf(line).listeners[0]?.tls ?? { certificates: [] };
    assert.deepEqual(
      certificates.map(({ certificate, key }) => `${certificate} ${key}`),
      ["/srv/c.pem /srv/k.pem", "/srv/b.pem /srv/b.key", "/srv/d.pem /srv/d.pem"],
    );
  });

  it("can be had without --certfile, by --tls-certificate alone", () => {
    assert.equal(configOf("--tls-certificate c.pem,k.pem").listeners[0]?.tls?.certificates.length, 1);
  });

  it("takes TLS 1.3 alone", () => {
    const { listeners } = configOf("--certfile c.pem --tls-version-min TLSv1.3");
    assert.equal(listeners[0]?.tls?.versionMin, "TLSv1.3");
  });

  it("is refused with half of what it needs", () => {
    assert.match(problemsOf("--keyfile k.pem").join(), /--keyfile: needs --certfile/);
    assert.match(problemsOf("--certfile c.pem --cert-reqs 2").join(), /--cert-reqs: needs --ca-certs/);
    assert.match(problemsOf("--https-redirect :80").join(), /--https-redirect: needs a certificate/);
    assert.match(problemsOf("--certfile c.pem --hsts-subdomains").join(), /needs --hsts/);
    assert.match(problemsOf("--certfile c.pem --hsts 60 --hsts-preload").join(), /needs --hsts 31536000/);
    assert.match(problemsOf("--tls-certificate a,b,c").join(), /expected the file of a certificate/);
  });

  it("warns of --ca-certs that nobody is asked for", () => {
    const loaded = load("--certfile c.pem --ca-certs ca.pem");
    assert.match(loaded.warnings.join(), /--ca-certs has no effect without --cert-reqs/);
  });
});

describe("the private key's password", () => {
  it("is not shown by --print-config", () => {
    const { keyfile_password: setting } = SETTINGS;
    assert.equal(setting.type.show("secret"), "(not shown)");
    assert.equal(setting.type.show(""), "");
  });
});

describe("--https-redirect", () => {
  it("adds a plain listener that redirects to the first port of --bind", () => {
    const { listeners, bind } = configOf("--certfile c.pem -b :8443 --https-redirect :8080");
    assert.deepEqual(
      listeners.map(({ tls, redirectToTlsPort }) => [tls !== null, redirectToTlsPort]),
      [
        [true, 0],
        [false, 8443],
      ],
    );
    assert.equal(bind.length, 2);
  });

  it("redirects to 443 where the port is somebody else's to say", () => {
    const { listeners } = configOf("--certfile c.pem -b unix:a.sock --https-redirect :80");
    assert.equal(listeners[1]?.redirectToTlsPort, 443);
  });
});

describe("--hsts", () => {
  it("is off by default", () => {
    assert.equal(configOf("--certfile c.pem").hsts, "");
  });

  it("says for how long and for what", () => {
    assert.equal(configOf("--certfile c.pem --hsts 300").hsts, "max-age=300");
    assert.equal(
      configOf("--certfile c.pem --hsts 63072000 --hsts-subdomains --hsts-preload").hsts,
      "max-age=63072000; includeSubDomains; preload",
    );
  });
});
