// RFC 9113 and RFC 7541 as others see them: h2spec against tunicorn, by prior knowledge and over TLS.
//
//   node test/conformance/http2.ts
//
// h2spec is a Go program. TUNICORN_H2SPEC names one that is there; else `go` fetches and builds the pinned version once, below
// .h2spec/. Every case must pass.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT, startServer } from "../harness/server.ts";
import { type Owner, temporaryFolder } from "../harness/temporary.ts";

/** The newest that Go's module proxy has; later ones test the same and a case more. */
const SUITE = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible";
const FOLDER = join(ROOT, ".h2spec");

async function main(): Promise<number> {
  const h2spec = process.env["TUNICORN_H2SPEC"] ?? install();
  const cleanups: (() => void | Promise<void>)[] = [];
  const owner: Owner = { after: (cleanup) => cleanups.push(cleanup) };
  try {
    const clear = ["--http-protocols", "h2", "--http2-cleartext", "prior-knowledge"];
    const results = [
      await judge(h2spec, owner, clear, []),
      await judge(h2spec, owner, certificate(owner), TLS),
    ];
    return Math.max(...results);
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

/** Certificates are not what is judged. */
const TLS = ["-t", "-k"];

function install(): string {
  const program = join(FOLDER, "h2spec");
  if (existsSync(program)) return program;
  const env = { ...process.env, GOBIN: FOLDER };
  const { status } = spawnSync("go", ["install", SUITE], { stdio: "inherit", env });
  if (status !== 0) throw new Error(`${SUITE} could not be built: Go is needed, or TUNICORN_H2SPEC`);
  return program;
}

function certificate(owner: Owner): string[] {
  const folder = temporaryFolder(owner);
  const key = join(folder, "key.pem");
  const cert = join(folder, "cert.pem");
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"];
  const { status } = spawnSync("openssl", [...words, "-keyout", key, "-out", cert], { stdio: "ignore" });
  if (status !== 0) throw new Error("openssl could not make a certificate");
  return ["--certfile", cert, "--keyfile", key];
}

/** The status of the suite against a server with these arguments. */
async function judge(
  h2spec: string,
  owner: Owner,
  args: readonly string[],
  words: readonly string[],
): Promise<number> {
  const server = await startServer(owner, ["-b", "127.0.0.1:0", ...args, "plain:application"]);
  await server.logged(/Ready at/);
  const place = ["-h", "127.0.0.1", "-p", String(server.port), "-o", "5"];
  const suite = spawn(h2spec, [...words, ...place], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  suite.stdout.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  const [status] = await once(suite, "close");
  const name = words.length > 0 ? "TLS" : "prior knowledge";
  console.log(status === 0 ? `${name}: ${text.trimEnd().split("\n").at(-1)}` : text);
  return status ?? 1;
}

process.exitCode = await main();
