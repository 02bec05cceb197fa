// A real browser: a page from --static over TLS and HTTP/2, whose script asks the application by fetch and by WebSocket.

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { askPage, NO_BROWSER } from "../harness/browser.ts";
import { Authority, NO_OPENSSL } from "../harness/certificates.ts";
import { startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

const PAGE = `<!doctype html>
<title>A page</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/style.css">
<p>Text</p>
<script src="/static/script.js"></script>
`;

const STYLE = "p { color: rgb(1, 2, 3) }\n";

const SCRIPT = `
async function visit() {
  const fetched = await (await fetch("/app")).json();
  const socket = await new Promise((resolve, reject) => {
    const socket = new WebSocket("wss://" + location.host + "/socket");
    socket.onopen = () => socket.send("hello");
    socket.onmessage = ({ data }) => resolve(JSON.parse(data));
    socket.onerror = reject;
  });
  const color = getComputedStyle(document.querySelector("p")).color;
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const protocols = entries.map(({ name, nextHopProtocol }) => new URL(name).pathname + " " + nextHopProtocol);
  return { fetched, socket, color, protocols: protocols.sort() };
}
`;

describe("a browser", { skip: NO_BROWSER || NO_OPENSSL }, () => {
  it("gets a static page, the application and a WebSocket over HTTP/2", async (t) => {
    const { certificate, key } = new Authority(t).issue({ names: ["localhost"] });
    const site = temporaryFolder(t, { "index.html": PAGE, "style.css": STYLE, "script.js": SCRIPT });
    const server = await startServer(t, [
      ...["browsed:app", "-b", "127.0.0.1:0", "--static", `/static=${site}`],
      ...["--certfile", certificate, "--keyfile", key],
    ]);
    deepEqual(await askPage(t, `https://127.0.0.1:${server.port}/static/`, "visit()"), {
      fetched: { scheme: "https", version: "2" },
      socket: { scheme: "wss", version: "2" },
      color: "rgb(1, 2, 3)",
      protocols: ["/app h2", "/static/ h2", "/static/script.js h2", "/static/style.css h2"],
    });
    await server.stop();
  });
});
