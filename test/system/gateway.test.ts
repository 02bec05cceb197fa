// Listeners for what web servers speak, without a web server: packets that none would send, and strangers.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import {
  beginRecord,
  FASTCGI,
  fastcgiRequest,
  record,
  scgiPacket,
  uwsgiPacket,
} from "../harness/gateway-packets.ts";
import { proportionalKib } from "../harness/process-tree.ts";
import { startServer } from "../harness/server.ts";

describe("a listener for uwsgi", () => {
  it("answers hostile packets, and goes on", async (t) => {
    const server = await startServer(t, ["--protocol", "uwsgi", "-b", "127.0.0.1:0", "flask_app:app"]);
    const ask = async (bytes: Buffer, isCut = false): Promise<string> => {
      const socket = connect(server.port, "127.0.0.1");
      t.after(() => socket.destroy());
      socket.write(bytes);
      if (isCut) socket.end();
      let text = "";
      for await (const piece of socket) text += String(piece);
      return text;
    };
    const good = { REQUEST_METHOD: "GET", REQUEST_URI: "/no", HTTP_HOST: "a", UWSGI_FILE: "exec://id" };
    assert.match(await ask(uwsgiPacket(good, { size: 10 })), /^HTTP\/1\.1 400 /);
    assert.match(await ask(uwsgiPacket(good).subarray(0, 20), true), /^HTTP\/1\.1 400 /);
    assert.match(await ask(Buffer.from("GET / HTTP/1.1\r\n\r\n")), /^HTTP\/1\.1 400 [\s\S]*HTTP or TLS/);
    assert.match(await ask(uwsgiPacket(good)), /^HTTP\/1\.1 404 /);
    await server.logged(/ignored a variable[^\n]*UWSGI_FILE/);
  });

  it("closes connections of strangers, and says so once", async (t) => {
    const server = await startServer(t, [
      "--protocol",
      "uwsgi",
      "--uwsgi-allow-from",
      "192.0.2.1",
      "-b",
      "127.0.0.1:0",
      "flask_app:app",
    ]);
    for (let count = 0; count < 3; count++) {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => {}); // a reset is an end, too
      socket.resume();
      await once(socket, "close");
    }
    const output = await server.logged(/may not speak uwsgi here[^\n]*--gateway-allow-from=127\.0\.0\.1/);
    assert.equal(output.split("may not speak uwsgi").length, 2);
  });
});

describe("the PROXY protocol", () => {
  it("names the client, and lets nobody in without it", async (t) => {
    const server = await startServer(t, [
      "--proxy-protocol",
      "-b",
      "127.0.0.1:0",
      "--access-logfile",
      "-",
      "flask_app:app",
    ]);
    const ask = async (text: string): Promise<string> => {
      const socket = connect(server.port, "127.0.0.1");
      t.after(() => socket.destroy());
      socket.on("error", () => {}); // as above
      socket.write(text);
      let answer = "";
      for await (const piece of socket) answer += String(piece);
      return answer;
    };
    const request = "GET /no HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert.match(await ask(`PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n${request}`), /^HTTP\/1\.1 404 /);
    await server.logged(/203\.0\.113\.9 .*"GET \/no HTTP\/1\.1" 404/);
    assert.equal(await ask(request), "");
    await server.logged(/without a good PROXY header[^\n]*ERR_PROXY_MISSING/);
  });
});

describe("listeners for web servers", () => {
  const GOOD = { REQUEST_METHOD: "POST", REQUEST_URI: "/no", CONTENT_LENGTH: "900000", HTTP_HOST: "a" };
  const MANY = Object.fromEntries(Array.from({ length: 500 }, (_, nr) => [`HTTP_${nr}`, "x"]));
  const hostile = {
    // Sizes that lie, too many fields, another protocol, a body that never comes, nothing at all, noise.
    uwsgi: [
      uwsgiPacket(GOOD, { size: 65_535 }),
      uwsgiPacket(MANY),
      uwsgiPacket(GOOD),
      uwsgiPacket({ "wsgi.input": "x" }),
    ],
    scgi: [
      Buffer.from("999999999:"),
      scgiPacket(MANY),
      scgiPacket(GOOD),
      Buffer.from("70000:CONTENT_LENGTH"),
    ],
    fastcgi: [
      fastcgiRequest(GOOD).subarray(0, 30),
      fastcgiRequest(MANY, "", { keep: true }),
      record(FASTCGI.stdin, 9, "x".repeat(60_000)),
      beginRecord(1, { role: 3 }),
    ],
  } as const;
  const EVERYWHERE = [
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    Buffer.alloc(0),
    Buffer.alloc(70_000, 255),
    Buffer.alloc(9),
  ];

  async function offend(port: number, bytes: Buffer, how: "resets" | "ends"): Promise<void> {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {}); // a reset is an end, too
    socket.resume();
    if (how === "ends") socket.end(bytes);
    else socket.write(bytes, () => socket.resetAndDestroy());
    await once(socket, "close");
  }

  for (const protocol of ["uwsgi", "fastcgi", "scgi"] as const) {
    it(`keep no memory of hostile ${protocol} packets`, async (t) => {
      const server = await startServer(t, ["--protocol", protocol, "-b", "127.0.0.1:0", "flask_app:app"]);
      const [front = 0] = server.tree.fronts;
      const packets = [...hostile[protocol], ...EVERYWHERE];
      const attack = async (rounds: number): Promise<void> => {
        for (let round = 0; round < rounds; round++) {
          const left = packets.flatMap((bytes) => [
            offend(server.port, bytes, "resets"),
            offend(server.port, bytes, "ends"),
          ]);
          await Promise.all(left);
        }
      };
      await attack(80); // the heap finds its size
      const beforeKib = proportionalKib(front);
      await attack(160);
      const grownKib = proportionalKib(front) - beforeKib;
      t.diagnostic(
        `${beforeKib} KiB before, ${grownKib} KiB more after ${160 * 2 * packets.length} connections`,
      );
      // A young generation's worth of difference from one moment to the next; 13 kB kept of each would be more.
      assert.ok(grownKib < 32_768, `${grownKib} KiB more`);
      assert.deepEqual(server.tree.fronts, [front]);
    });
  }
});
