// The access log: gunicorn's atoms, one line for each request, however it ended.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask, exchangeRaw, RawClient } from "../harness/http-client.ts";
import { runTunicorn, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const PORT = ["-b", "127.0.0.1:0"];

test("the default format is the combined one, on stdout", async (t) => {
  const server = await startServer(t, ["--access-logfile", "-", ...PORT, "plain"]);
  await ask(server.endpoint, {
    path: "/hello?a=b",
    headers: { "User-Agent": 'curl "x"', Referer: "http://r/" },
  });
  const output = await server.logged(/GET \/hello/);
  const line = output.split("\n").find((candidate) => candidate.includes("GET /hello"));
  assert.match(
    line ?? "",
    /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET \/hello\?a=b HTTP\/1\.1" 200 14 "http:\/\/r\/" "curl \\"x\\""$/,
  );
});

test("every atom has its value", async (t) => {
  const atoms = ["h", "l", "u", "m", "U", "q", "H", "s", "B", "b", "f", "a", "T", "M", "D", "L", "p"];
  const format = `${atoms.map((atom) => `${atom}=%(${atom})s`).join(" ")} i=%({x-in}i)s o=%({content-type}o)s end`;
  const file = join(temporaryFolder(t), "access.log");
  const server = await startServer(t, [
    "--access-logfile",
    file,
    "--access-logformat",
    format,
    ...PORT,
    "plain",
  ]);
  const pid = (await ask(server.endpoint, { path: "/pid" })).body;
  const headers = { "X-In": "in", Authorization: `Basic ${Buffer.from("ada:secret").toString("base64")}` };
  await ask(server.endpoint, { method: "POST", path: "/echo?q=1", body: "four", headers });
  const text = await eventually(5_000, "two lines", () => {
    const lines = readFileSync(file, "utf8").split("\n");
    return lines.length > 2 && lines[1];
  });
  assert.match(text, /^h=127\.0\.0\.1 l=- u=ada m=POST U=\/echo q=q=1 H=HTTP\/1\.1 s=200 B=4 b=4 f=- a=- /);
  assert.match(
    text,
    new RegExp(` T=\\d+ M=\\d+ D=\\d+ L=\\d+\\.\\d+ p=<${pid}> i=in o=text/plain; charset=utf-8 end$`),
  );
});

test("what is not answered well has its line too", async (t) => {
  const format = '%(s)s "%(r)s"';
  const server = await startServer(t, [
    "--access-logfile",
    "-",
    "--access-logformat",
    format,
    ...PORT,
    "plain",
  ]);
  await exchangeRaw(server.endpoint, "GET /hello HTTP/1.1\r\nBad Header: x\r\n\r\n");
  await server.logged(/^400 "/m);
  const client = new RawClient(server.endpoint);
  client.send("GET /slow?s=1 HTTP/1.1\r\nHost: h\r\n\r\n");
  await ask(server.endpoint, { path: "/hello" }); // the one worker serves in order: the slow one has begun
  client.destroy();
  const second = new RawClient(server.endpoint);
  second.send("GET /closing?n=1000 HTTP/1.1\r\nHost: h\r\n\r\n");
  await second.until(/first/);
  second.destroy();
  await server.logged(/^(200|499) "GET \/closing\?n=1000 HTTP\/1\.1"$/m);
  await server.logged(/^(200|499) "GET \/slow\?s=1 HTTP\/1\.1"$/m);
});

test("nothing that a client sends can forge a line", async (t) => {
  const server = await startServer(t, ["--access-logfile", "-", ...PORT, "plain"]);
  const agent = "a\x9b\u00e9\t\\";
  await exchangeRaw(
    server.endpoint,
    `GET /hello HTTP/1.1\r\nHost: h\r\nUser-Agent: ${agent}\r\nConnection: close\r\n\r\n`,
  );
  const output = await server.logged(/GET \/hello/);
  assert.doesNotMatch(output, /\x9b|\t/);
});

test("the JSON form is one object for each line", async (t) => {
  const server = await startServer(t, ["--access-logfile", "-", "--access-log-json", ...PORT, "plain"]);
  await ask(server.endpoint, { path: "/hello?a=b" });
  const output = await server.logged(/\/hello/);
  const line = output.split("\n").find((candidate) => candidate.startsWith("{")) ?? "";
  const entry = JSON.parse(line) as Record<string, unknown>;
  assert.equal(entry["status"], 200);
  assert.equal(entry["method"], "GET");
});

test("a log file that cannot be opened ends the start with one line that says what to do", async (t) => {
  const folder = temporaryFolder(t);
  for (const [option, path, advice] of [
    ["--access-logfile", join(folder, "none", "access.log"), "its folder does not exist; make it"],
    ["--error-logfile", folder, "it is a folder; name a file in it"],
  ] as const) {
    const { code, output } = await runTunicorn(t, ["-b", "127.0.0.1:0", option, path, "plain"]);
    assert.equal(code, 1);
    assert.equal(output.trim().split("\n").length, 1, output);
    assert.ok(output.includes(`cannot open the log file ${path}: ${advice}`), output);
  }
});
