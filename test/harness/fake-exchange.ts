// An exchange without a client: a test plays the client's part and reads what the handler answered.

import type {
  AbortCause,
  BodySink,
  Exchange,
  ExchangeEvents,
  ExchangeNotes,
  HttpVersion,
  Peer,
  RequestBody,
  RequestHead,
  ResponseHead,
  ResponseSink,
  WebSocketOffer,
} from "../../src/http/exchange.ts";
import { Fields, NO_FIELDS } from "../../src/http/fields.ts";
import type { RouteFacts } from "../../src/http/route-facts.ts";

export interface FakeRequest {
  readonly method?: string;
  readonly target?: string;
  readonly fields?: readonly string[];
  /** The body's announced length; -1 chunked. */
  readonly bodyLength?: number;
  readonly peer?: Partial<Peer>;
  readonly version?: HttpVersion;
  /** The Host field's by default. */
  readonly authority?: string;
  readonly awaitsContinue?: boolean;
  readonly variables?: readonly string[];
  readonly route?: RouteFacts;
}

let exchanges = 0;

export class FakeExchange implements Exchange, ResponseSink, RequestBody {
  readonly id: number;
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly startedAtMs: number = performance.now();
  readonly body: RequestBody = this;
  readonly response: ResponseSink = this;
  readonly notes: ExchangeNotes = {
    workerPid: 0,
    queueMs: -1,
    appMicros: -1,
    retries: 0,
    clientAddress: "",
    scheme: "",
  };
  webSocket: WebSocketOffer | undefined = undefined;
  events: ExchangeEvents | undefined;
  route: RouteFacts | undefined;
  sink: BodySink | undefined;
  readonly awaitsContinue: boolean;
  pauses = 0;
  resumes = 0;
  status = 0;
  block = "";
  text = "";
  trailers = "";
  aborted = "";
  file: { fd: number; offset: number; length: number } | undefined;
  /** Resolves with the status when the answer ended, however. */
  readonly ended: Promise<number>;
  #end: (status: number) => void = () => undefined;

  constructor(request: FakeRequest = {}) {
    exchanges += 1;
    this.id = exchanges;
    const target = request.target ?? "/";
    const question = target.indexOf("?");
    this.route = request.route;
    this.awaitsContinue = request.awaitsContinue ?? false;
    const fields = new Fields(request.fields ?? ["Host", "example.org"]);
    this.head = {
      method: request.method ?? "GET",
      target,
      path: question < 0 ? target : target.slice(0, question),
      query: question < 0 ? "" : target.slice(question + 1),
      version: request.version ?? "1.1",
      authority: request.authority ?? fields.get("host") ?? "",
      fields,
      bodyLength: request.bodyLength ?? 0,
      variables: request.variables,
    };
    this.peer = {
      remoteAddress: "127.0.0.1",
      remotePort: 50_000,
      localAddress: "127.0.0.1",
      localPort: 8_000,
      isUnix: false,
      isTls: false,
      tls: undefined,
      listener: "",
      memo: undefined,
      ...request.peer,
    };
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  read(sink: BodySink): void {
    this.sink = sink;
  }
  pause(): void {
    this.pauses += 1;
  }
  resume(): void {
    this.resumes += 1;
  }
  /** The client sends its whole body. */
  sendBody(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.sink?.chunk(chunk);
    this.sink?.end(NO_FIELDS);
  }

  inform(status: number, _block: Uint8Array): void {
    this.text += `(${status})`;
  }
  start(head: ResponseHead, bytes: Buffer, from: number, blockEnd: number, end: number): void {
    if (this.status !== 0) throw new Error("a response starts once");
    this.status = head.status;
    this.block = bytes.toString("latin1", from, blockEnd);
    this.text += bytes.toString("latin1", blockEnd, end);
  }
  write(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString("latin1");
  }
  end(trailers?: Uint8Array): void {
    if (trailers !== undefined) this.trailers = Buffer.from(trailers).toString("latin1");
    this.#end(this.status);
  }
  endWithFile(fd: number, offset: number, length: number): void {
    this.file = { fd, offset, length };
    this.#end(this.status);
  }
  abort(cause: AbortCause, status: number, reason: string): void {
    this.aborted = `${cause} ${status} ${reason}`;
    this.#end(this.status === 0 ? status : -1);
  }
}
