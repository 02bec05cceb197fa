// The PROXY protocol before everything else that a client can say, in one segment with it and byte by byte.

import { equal, match } from "node:assert/strict";
import { once } from "node:events";
import { connect as connectH2 } from "node:http2";
import { describe, it, type TestContext } from "node:test";
import { connect as connectTls } from "node:tls";
import { Authority, materialOf, NO_OPENSSL, tlsConfig } from "../../harness/certificates.ts";
import { exchangeRaw } from "../../harness/http-client.ts";
import { startRelay } from "../../harness/preface-relay.ts";
import { PROXY_V1, PROXY_V2 } from "../../harness/proxy-headers.ts";
import { type RunningFront, runFront } from "../../harness/running-front.ts";
import { ask, runTlsFront } from "../../harness/tls-front.ts";
import { within } from "../../harness/wait.ts";

const CASES = [
  { name: "v1, in one segment", preface: PROXY_V1, isSplit: false },
  { name: "v1, byte by byte", preface: PROXY_V1, isSplit: true },
  { name: "v2, in one segment", preface: PROXY_V2, isSplit: false },
  { name: "v2, byte by byte", preface: PROXY_V2, isSplit: true },
] as const;
const REQUEST = "GET /hold HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

function clientOf({ handler }: Pick<RunningFront, "handler">): string {
  const { remoteAddress, remotePort, localAddress, localPort } = handler.peers[0] ?? {};
  return `${remoteAddress}:${remotePort} ${localAddress}:${localPort}`;
}

async function fetchH2(t: TestContext, port: number): Promise<string> {
  const session = connectH2(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const stream = session.request({ ":path": "/two" });
  stream.setEncoding("latin1");
  let text = "";
  stream.on("data", (piece: string) => {
    text += piece;
  });
  await within(5_000, "an answer over HTTP/2", once(stream, "end"));
  return text;
}

describe("a PROXY header", () => {
  for (const { name, ...sent } of CASES) {
    it(`is taken off HTTP/1.1 (${name})`, async (t) => {
      const running = await runFront(t, {}, { proxyProtocol: "auto" });
      const port = await startRelay(t, { port: running.port, ...sent });
      match(await exchangeRaw({ port }, REQUEST.replace("/hold", "/one")), /hello \/one$/);
      equal(clientOf(running), "203.0.113.9:4711 192.0.2.1:443");
    });

    it(`is taken off HTTP/2 by prior knowledge (${name})`, async (t) => {
      const running = await runFront(
        t,
        {},
        { proxyProtocol: "auto", cleartextH2: true, versions: ["h2", "h1"] },
      );
      const port = await startRelay(t, { port: running.port, ...sent });
      equal(await fetchH2(t, port), "hello /two");
      equal(clientOf(running), "203.0.113.9:4711 192.0.2.1:443");
    });

    it(`is taken off TLS (${name})`, { skip: NO_OPENSSL }, async (t) => {
      const issued = [new Authority(t).issue({ names: ["localhost"] })];
      const running = await runTlsFront(t, {
        tls: tlsConfig(issued),
        material: materialOf(issued),
        spoken: { proxyProtocol: "auto" },
      });
      const port = await startRelay(t, { port: running.port, ...sent });
      const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
      t.after(() => socket.destroy());
      await within(5_000, "a handshake", once(socket, "secureConnect"));
      match(await ask(socket, "/three"), /hello \/three$/);
      equal(clientOf(running), "203.0.113.9:4711 192.0.2.1:443");
    });
  }
});
