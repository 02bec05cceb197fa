// Plays bytes through uwsgi, SCGI or FastCGI as a front would, and writes down what came of them.

import { FastcgiProtocol } from "../../src/gateway/fastcgi-protocol.ts";
import { PacketProtocol } from "../../src/gateway/packet-protocol.ts";
import { ScgiReader } from "../../src/gateway/scgi-reader.ts";
import { UwsgiReader } from "../../src/gateway/uwsgi-reader.ts";
import { VariableNames } from "../../src/gateway/variable-names.ts";
import type { RequestHead } from "../../src/http/exchange.ts";
import type { MessageLimits } from "../../src/http/limits.ts";
import { type MessageProtocol, NEED_DATA, PAUSED } from "../../src/http/message-protocol.ts";
import { ownHead } from "../../src/http/own-response.ts";
import { LIMITS } from "./h1-driver.ts";

export type Spoken = "uwsgi" | "scgi" | "fastcgi";

export interface GatewayTranscript {
  readonly requests: { readonly head: RequestHead; body: string; isComplete: boolean }[];
  /** Everything that was sent, latin-1. */
  output: string;
  error: string;
  isAborted: boolean;
}

const NO_LINES = { serverLine: "", dateLine: "", extraLines: "" };
const ANSWER = "answer";
const BLOCK = `Content-Length: ${ANSWER.length}\r\n\r\n`;

export interface GatewayOptions {
  readonly limits?: Partial<MessageLimits>;
  readonly eof?: boolean;
  readonly ignored?: string[];
}

export function speak(spoken: Spoken, options: GatewayOptions = {}): MessageProtocol {
  const limits = { ...LIMITS, ...options.limits };
  const names = new VariableNames({ onIgnored: (name) => options.ignored?.push(name) });
  switch (spoken) {
    case "uwsgi":
      return new PacketProtocol({ reader: new UwsgiReader(limits), limits, names, statusForm: "HTTP/1.1" });
    case "scgi":
      return new PacketProtocol({ reader: new ScgiReader(limits), limits, names, statusForm: "Status:" });
    case "fastcgi":
      return new FastcgiProtocol({ limits, names });
  }
}

/** Answers each request as soon as it is complete. */
export function playGateway(
  spoken: Spoken,
  pieces: readonly Buffer[],
  options: GatewayOptions = {},
): GatewayTranscript {
  const protocol = speak(spoken, options);
  const seen: GatewayTranscript = { requests: [], output: "", error: "", isAborted: false };
  for (const piece of pieces) {
    // The memory of what is received is lent, as a front's is.
    const lent = Buffer.from(piece);
    protocol.receive(lent);
    pump(protocol, seen);
    protocol.keepInput();
    lent.fill(0xff);
    if (seen.isAborted) return seen;
  }
  if (options.eof) {
    protocol.receiveEof();
    pump(protocol, seen);
  }
  return seen;
}

function pump(protocol: MessageProtocol, seen: GatewayTranscript): void {
  for (;;) {
    const event = protocol.next();
    if (event === NEED_DATA || event === PAUSED) {
      hearAside(protocol, seen);
      return;
    }
    if (event.type === "request") seen.requests.push({ head: event.head, body: "", isComplete: false });
    const request = seen.requests.at(-1);
    if (event.type === "body" && request !== undefined) request.body += event.bytes.toString("latin1");
    if (event.type === "error") seen.error = event.code;
    if (event.type !== "end") continue;
    if (request !== undefined) request.isComplete = true;
    answer(protocol, seen);
    if (!protocol.canReuse) {
      hearAside(protocol, seen);
      return;
    }
    protocol.startNextCycle();
  }
}

function hearAside(protocol: MessageProtocol, seen: GatewayTranscript): void {
  if (protocol.aside === undefined) return;
  seen.output += protocol.aside.answers();
  seen.isAborted = protocol.aside.isAborted;
}

function answer(protocol: MessageProtocol, seen: GatewayTranscript): void {
  seen.output += protocol.responseHead(ownHead(200, ANSWER.length), BLOCK, NO_LINES);
  if (protocol.bodyMode !== "none") {
    const isFramed = protocol.bodyMode === "chunked";
    seen.output += isFramed ? protocol.chunkHead(ANSWER.length) + ANSWER + protocol.chunkTail : ANSWER;
  }
  protocol.endResponse();
  seen.output += protocol.responseTail("");
}
