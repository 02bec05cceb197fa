// Two clients: a well-behaved one for one request, and a raw one that sends exactly the bytes it is given.

import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from "node:http";
import { connect, type Socket } from "node:net";
import { within } from "./wait.ts";

const DEADLINE_MS = 15_000;

/** Where a server listens: a TCP port of 127.0.0.1, or a Unix socket's path. */
export type Endpoint = { readonly port: number } | { readonly path: string };

export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
  readonly deadlineMs?: number;
}

export interface Reply {
  readonly status: number;
  readonly reason: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** One request on a connection of its own. Rejects when the connection breaks before the response is whole. */
export function ask(
  endpoint: Endpoint,
  { path = "/", body, deadlineMs = DEADLINE_MS, ...rest }: Ask = {},
): Promise<Reply> {
  const to = "port" in endpoint ? { host: "127.0.0.1", port: endpoint.port } : { socketPath: endpoint.path };
  const options: RequestOptions = { ...to, path, agent: false, ...(rest as RequestOptions) };
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const request = httpRequest(options, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () =>
      resolve({
        status: response.statusCode ?? 0,
        reason: response.statusMessage ?? "",
        headers: response.headers,
        rawHeaders: response.rawHeaders,
        body: Buffer.concat(chunks).toString("latin1"),
      }),
    );
  });
  request.on("error", reject);
  request.end(body);
  return within(deadlineMs, `${rest.method ?? "GET"} ${path}`, promise).finally(() => request.destroy());
}

/** A connection under the test's full control. Text is latin-1. */
export class RawClient {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  #received = "";
  #onData: () => void = () => {};

  constructor(endpoint: Endpoint) {
    this.#socket = "port" in endpoint ? connect(endpoint.port, "127.0.0.1") : connect(endpoint.path);
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (bytes) => {
      this.#received += bytes.toString("latin1");
      this.#onData();
    });
    this.#closed = new Promise((resolve) => this.#socket.on("close", () => resolve()));
    this.#socket.on("error", () => {}); // a reset is a way to close; what was received tells the rest
  }

  get received(): string {
    return this.#received;
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** No more bytes will be sent; the server may still answer. */
  end(): void {
    this.#socket.end();
  }

  /** Reads nothing more, so that the server's bytes stay with the server. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Bytes that the kernel has not taken. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Leaves with a TCP reset. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** The bytes received so far, as soon as they match. */
  async until(
    pattern: { readonly test: (received: string) => boolean },
    deadlineMs: number = DEADLINE_MS,
  ): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const look = (): void => {
      if (pattern.test(this.#received)) resolve(this.#received);
    };
    this.#onData = look;
    look();
    void this.#closed.then(() =>
      reject(new Error(`closed before ${String(pattern)}: ${JSON.stringify(this.#received)}`)),
    );
    return within(deadlineMs, `${pattern} in ${JSON.stringify(this.#received)}`, promise);
  }

  /** All the bytes, when the server has closed. */
  async untilClosed(deadlineMs: number = DEADLINE_MS): Promise<string> {
    await within(deadlineMs, "the server closes the connection", this.#closed);
    return this.#received;
  }
}

/** Sends `bytes` on a new connection and gives all that came back until the server closed. */
export async function exchangeRaw(
  endpoint: Endpoint,
  bytes: string,
  deadlineMs: number = DEADLINE_MS,
): Promise<string> {
  const client = new RawClient(endpoint);
  try {
    client.send(bytes);
    return await client.untilClosed(deadlineMs);
  } finally {
    client.destroy();
  }
}

/** The status codes of all response heads in `received`, in order. */
export function statuses(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.[01] (\d{3}) ?[^\r\n]*\r\n/g)].map((match) => Number(match[1]));
}
