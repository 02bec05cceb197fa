// What an HTTP/1.1 exchange offers to handlers that pass bodies on while they come.

import { equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { begin, collect, runFront } from "../../harness/running-front.ts";
import { eventually } from "../../harness/wait.ts";

const TRAILERS = Buffer.from("X-Sum: 42\r\n\r\n");
const request = (lines: string, body = ""): string => `POST /hold HTTP/1.1\r\nHost: a\r\n${lines}\r\n${body}`;

describe("trailers of a response", () => {
  for (const te of ["TE: trailers", "TE: gzip;q=0.5 , Trailers"]) {
    it(`follow a chunked body for a client that says "${te}"`, async (t) => {
      const { connect, held } = await runFront(t);
      const client = connect();
      client.send(request(`Content-Length: 0\r\n${te}\r\n`));
      const exchange = await held();
      begin(exchange, "body", { length: -1 });
      exchange.response.end(TRAILERS);
      match(await client.until(/42\r\n\r\n$/), /\r\n4\r\nbody\r\n0\r\nX-Sum: 42\r\n\r\n$/);
    });
  }

  for (const lines of ["", "TE: gzip\r\n", "TE: notrailers\r\n"]) {
    it(`are dropped for a client that says "${lines.trim()}"`, async (t) => {
      const { connect, held } = await runFront(t);
      const client = connect();
      client.send(request(`Content-Length: 0\r\n${lines}`));
      const exchange = await held();
      begin(exchange, "body", { length: -1 });
      exchange.response.end(TRAILERS);
      match(await client.until(/0\r\n\r\n$/), /body\r\n0\r\n\r\n$/);
    });
  }

  it("are dropped where the body's length is told", async (t) => {
    const { connect, held } = await runFront(t);
    const client = connect();
    client.send(request("Content-Length: 0\r\nTE: trailers\r\n"));
    const exchange = await held();
    begin(exchange, "body");
    exchange.response.end(TRAILERS);
    match(await client.until(/body$/), /Content-Length: 4\r\n\r\nbody$/);
  });
});

describe("body of a client that expects 100 Continue", () => {
  it("is awaited until it is read", async (t) => {
    const { connect, held } = await runFront(t);
    const client = connect();
    client.send(request("Content-Length: 3\r\nExpect: 100-continue\r\n"));
    const exchange = await held();
    equal(exchange.body.awaitsContinue, true);
    const bodies: string[] = [];
    exchange.body.read(collect(() => undefined, bodies));
    match(await client.until(/\r\n\r\n$/), /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    equal(exchange.body.awaitsContinue, false);
    client.send("abc");
    equal(await eventually(5_000, "the body", () => bodies[0]), "abc");
  });

  it("is not awaited of a client that has begun to send, or expects nothing", async (t) => {
    const { connect, held } = await runFront(t);
    const eager = connect();
    eager.send(request("Content-Length: 3\r\nExpect: 100-continue\r\n", "a"));
    equal((await held(1)).body.awaitsContinue, false);
    const plain = connect();
    plain.send(request("Content-Length: 3\r\n"));
    equal((await held(2)).body.awaitsContinue, false);
  });
});

describe("exchange that its handler ends for a client that left", () => {
  it("breaks the connection without an answer", async (t) => {
    const { connect, held, access } = await runFront(t);
    const client = connect();
    client.send(request("Content-Length: 0\r\n"));
    const exchange = await held();
    exchange.response.abort("client-left", 503, "");
    equal(await client.untilClosed(), "");
    const record = await eventually(5_000, "an access record", () => access.records[0]);
    equal(record.status, 499);
  });
});

describe("a long request head", () => {
  // More than is read ahead of a client's turn, which must not pause the client in the middle of its head.
  const LIMITS = { limitRequestHead: 400_000, limitRequestFields: 1_000 };
  const fields = Array.from({ length: 60 }, (_, nr) => `X-${nr}: ${"x".repeat(5_000)}\r\n`).join("");
  const head = `GET /long HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

  it("of more than 64 kB is read whole", async (t) => {
    const { connect } = await runFront(t, LIMITS);
    const client = connect();
    client.send(head);
    match(await client.until(/hello/), /^HTTP\/1\.1 200 /);
  });

  it("of more than 64 kB is read whole behind another request, which is answered late", async (t) => {
    const { connect, held } = await runFront(t, LIMITS);
    const client = connect();
    client.send(request("Content-Length: 0\r\n") + head);
    const exchange = await held();
    begin(exchange, "first");
    exchange.response.end();
    match(await client.until(/hello/), /first[\s\S]*hello \/long$/);
  });

  it("may come byte by byte", async (t) => {
    const { connect, handler } = await runFront(t, LIMITS);
    const client = connect();
    for (const byte of Buffer.from(head.slice(0, 2_000))) client.send(Buffer.from([byte]));
    await eventually(5_000, "all of it to be read", () => client.unsentBytes === 0);
    equal(handler.seen.length, 0);
    client.send(head.slice(2_000));
    match(await client.until(/hello/), /^HTTP\/1\.1 200 /);
  });
});
