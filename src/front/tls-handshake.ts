// A client between its first byte and the end of the TLS handshake: a connection that is nobody's exchange yet, and bounded in
// time. `shaking → done`; done is: handed on, refused, or gone.

import type { Socket } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import { Place } from "../base/roll.ts";
import { systemErrorCode } from "../base/system-error.ts";
import type { AbortCause, Peer } from "../http/exchange.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { FrontContext } from "./context.ts";
import { Deadline, type DeadlineOwner } from "./deadlines.ts";
import { nodeTls } from "./node-tls.ts";
import type { ShownCertificate, TlsContexts } from "./tls-contexts.ts";
import { factsOf } from "./tls-facts.ts";

export interface HandshakeOptions {
  readonly socket: Socket;
  readonly peer: Peer;
  readonly context: FrontContext;
  readonly contexts: TlsContexts;
  readonly alpn: readonly string[];
  readonly clientCertificate: "none" | "optional" | "required";
  readonly timeoutMs: number;
  readonly owner: HandshakeOwner;
}

export interface HandshakeOwner {
  /** The client speaks TLS now; `protocol` is what ALPN agreed upon, "" for nothing. The handshake is done with. */
  onSecured(handshake: TlsHandshake, secured: TLSSocket, peer: Peer, protocol: string): void;
  /** Not secured, and the socket is closed. Said once, and not after onSecured. */
  onFailed(handshake: TlsHandshake): void;
}

/** What a listener for TLS tells who speaks plain HTTP to it. */
const PLAIN_REFUSAL = refusal("This port speaks HTTPS: use https:// in place of http://.");
/** What OpenSSL calls a client that began with a method's name. */
const PLAIN_HTTP_CODES: ReadonlySet<string> = new Set([
  "ERR_SSL_HTTP_REQUEST",
  "ERR_SSL_HTTPS_PROXY_REQUEST",
]);

/** Node's own server knows these, and its types do not. */
interface ServerSide {
  _releaseControl(): boolean;
  ssl: { verifyError(): Error | undefined } | null;
}

export class TlsHandshake implements ClientConnection, DeadlineOwner {
  readonly place: Place<ClientConnection> = new Place();
  /** Among those that its listener waits for. */
  readonly pendingPlace: Place<TlsHandshake> = new Place();
  readonly isIdle: boolean = false;
  readonly beganAtMs: number;
  readonly #options: HandshakeOptions;
  readonly #secured: TLSSocket;
  readonly #deadline: Deadline;
  #shown: ShownCertificate;
  #state: "shaking" | "done" = "shaking";

  constructor(options: HandshakeOptions) {
    const { context, contexts, socket, clientCertificate } = options;
    this.#options = options;
    this.#shown = contexts.first;
    this.beganAtMs = context.clock.nowMs();
    socket.on("error", () => {}); // the TLS socket around it tells
    const secured = new (nodeTls().TLSSocket)(socket, {
      isServer: true,
      secureContext: contexts.first.context,
      ALPNProtocols: [...options.alpn],
      requestCert: clientCertificate !== "none",
      rejectUnauthorized: clientCertificate === "required",
      ...(contexts.isNaming ? { SNICallback: this.#onName } : {}),
    });
    this.#secured = secured;
    secured.on("error", this.#onError);
    secured.on("end", this.#onEnd);
    secured.on("close", this.#onClose);
    secured.on("secure", this.#onSecure);
    this.#deadline = new Deadline(context.deadlines, this);
    this.#deadline.armAt(this.beganAtMs + options.timeoutMs);
  }

  inFlight(): undefined {
    return undefined;
  }

  /** Its time is bounded; what comes after it drains at once. */
  drain(): void {}

  destroy(_cause: AbortCause): void {
    this.#secured.destroy();
  }

  onDeadline(): void {
    this.#tell("the TLS handshake took too long", "");
    this.#secured.destroy();
  }

  readonly #onName = (name: string, answer: (error: Error | null, context?: SecureContext) => void): void => {
    this.#shown = this.#options.contexts.find(name);
    answer(null, this.#shown.context);
  };

  readonly #onSecure = (): void => {
    if (this.#state === "done") return;
    const secured = this.#secured;
    const problem = this.#clientProblem();
    if (problem !== "") {
      this.#refuseClient(problem);
      return;
    }
    this.#finish();
    (secured as unknown as ServerSide)._releaseControl();
    const { peer, owner, clientCertificate } = this.#options;
    const tls = factsOf(secured, {
      serverName: nameOf(secured),
      serverCertificate: this.#shown.pem,
      asksClient: clientCertificate !== "none",
    });
    const protocol = typeof secured.alpnProtocol === "string" ? secured.alpnProtocol : "";
    owner.onSecured(this, secured, { ...peer, isTls: true, tls }, protocol);
  };

  /** Why the client's certificate is not accepted; "" where it is, or where none is needed. */
  #clientProblem(): string {
    const { clientCertificate } = this.#options;
    if (clientCertificate === "none") return "";
    const hasOne = this.#secured.getPeerX509Certificate() !== undefined;
    if (!hasOne) return clientCertificate === "required" ? "there is none" : "";
    const { ssl } = this.#secured as unknown as ServerSide;
    return ssl?.verifyError()?.message ?? "";
  }

  /** OpenSSL let it through, so that it can be told; nothing of it reaches an application. */
  #refuseClient(problem: string): void {
    const { context, peer } = this.#options;
    context.counters.tlsFailures++;
    context.log.info("client certificate refused", { peer: peer.remoteAddress, problem });
    (this.#secured as unknown as ServerSide)._releaseControl();
    if (this.#secured.alpnProtocol === "h2") this.#secured.destroy();
    else this.#secured.resume().end(refusal(`The client's certificate was not accepted: ${problem}.`));
  }

  readonly #onError = (error: Error): void => {
    const code = systemErrorCode(error);
    this.#tell("TLS handshake failed", code);
    // The TLS socket closes it when this has returned.
    if (PLAIN_HTTP_CODES.has(code)) this.#options.socket.write(PLAIN_REFUSAL, "latin1");
  };

  /** Without its further words there is no handshake. */
  readonly #onEnd = (): void => {
    this.#tell("the client left during its TLS handshake", "");
    this.#secured.destroy();
  };

  readonly #onClose = (): void => {
    if (this.#state === "done") return;
    this.#finish();
    this.#options.owner.onFailed(this);
  };

  #finish(): void {
    this.#state = "done";
    this.#deadline.release();
    this.#secured.off("error", this.#onError);
    this.#secured.off("end", this.#onEnd);
    this.#secured.off("close", this.#onClose);
    this.#secured.off("secure", this.#onSecure);
  }

  #tell(event: string, code: string): void {
    const { context, peer } = this.#options;
    context.counters.tlsFailures++;
    context.log.debug(event, { ...(code === "" ? {} : { code }), peer: peer.remoteAddress });
  }
}

/** In lower case; "" for none, or for what cannot be one. */
function nameOf({ servername }: { servername?: string | false | null }): string {
  return typeof servername === "string" ? servername.toLowerCase() : "";
}

function refusal(text: string): string {
  const body = `${text}\n`;
  const lines = [
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${body.length}`,
    "Connection: close",
  ];
  return `HTTP/1.1 400 Bad Request\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
}
