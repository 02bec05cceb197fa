// The bare node:http2 with a fixed answer: what a server on it could reach at best. `node node_http2.mjs PORT [CERTIFICATE KEY]`.
// HTTP/1.1 is answered once in plain text, for whoever asks whether the server is there.

import { readFileSync } from "node:fs";
import { createSecureServer, createServer } from "node:http2";
import { createServer as createTcpServer } from "node:net";

const [port, certificate, key] = process.argv.slice(2);
const BODY = Buffer.from("Hello, world!\n");
const FIELDS = [":status", "200", "content-type", "text/plain", "content-length", String(BODY.length)];

function onStream(stream) {
  stream.respond(FIELDS);
  stream.end(BODY);
}

function onRequest(request, response) {
  if (request.httpVersionMajor === 1) response.end(BODY);
}

if (certificate === undefined) {
  const server = createServer().on("stream", onStream);
  createTcpServer((socket) => {
    socket.once("data", (bytes) => {
      if (bytes.toString("latin1", 0, 3) !== "PRI") {
        socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\nConnection: close\r\n\r\n${BODY}`);
        return;
      }
      socket.pause();
      socket.unshift(bytes);
      server.emit("connection", socket);
    });
    socket.on("error", () => {});
  }).listen(Number(port), "127.0.0.1");
} else {
  const options = { allowHTTP1: true, cert: readFileSync(certificate), key: readFileSync(key) };
  createSecureServer(options, onRequest).on("stream", onStream).listen(Number(port), "127.0.0.1");
}
