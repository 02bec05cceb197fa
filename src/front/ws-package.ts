// The parts of the ws package (RFC 6455, RFC 7692) that a front is built of. The package exports them; its types do not
// describe them, so this file does. It also brings Node's HTTP modules along, so it is loaded for the first client that wants it.

import { createRequire } from "node:module";

/**
 * Client's bytes in; events out: "message" (bytes, isBinary), "ping" and "pong" (bytes), "conclude" (code, reason) for the close
 * frame. It is a Writable, of which only `_write` is used: what Node does around it costs as much as reading a small message.
 */
export interface Receiver {
  on(event: "message", listener: (bytes: Buffer, isBinary: boolean) => void): void;
  on(event: "ping", listener: (bytes: Buffer) => void): void;
  on(event: "conclude", listener: (code: number, reason: Buffer) => void): void;
  /** `taken` is called when the receiver is ready for more: at once, or when it has inflated something; or with a client's fault. */
  _write(bytes: Buffer, encoding: "", taken: (error?: Error | null) => void): void;
  /** Of the message that is not complete: what is inflated or whole frames, and what is not. */
  readonly _messageLength: number;
  readonly _bufferedBytes: number;
}

export interface ReceiverOptions {
  readonly extensions: Extensions;
  readonly isServer: boolean;
  readonly maxBufferedChunks: number;
  readonly maxFragments: number;
  /** 0: no limit. */
  readonly maxPayload: number;
}

/** All that a Sender wants of the socket it writes to. */
export interface SenderSocket {
  readonly destroyed: boolean;
  cork(): void;
  uncork(): void;
  write(bytes: Buffer, written?: () => void): void;
}

/** Frames out, in the order of the calls, also while a message is being compressed. */
export interface Sender {
  send(bytes: Buffer, options: SendOptions, written?: () => void): void;
  ping(bytes: Buffer, mask: boolean): void;
  pong(bytes: Buffer, mask: boolean): void;
  /** Throws for a code that must not be sent, and for a reason beyond 123 bytes. */
  close(code: number | undefined, reason: Buffer, mask: boolean, written: () => void): void;
}

export interface SendOptions {
  readonly binary: boolean;
  readonly compress: boolean;
  readonly fin: boolean;
  readonly mask: boolean;
}

/** An offer's parameters, each with all of its values: `true` where it has none. No prototype. */
export type OfferParameters = Readonly<Record<string, readonly (string | true)[]>>;

export interface PerMessageDeflate {
  /** Answers the first acceptable offer; throws when there is none. */
  accept(offers: readonly OfferParameters[]): Readonly<Record<string, unknown>>;
  /** To be called when neither direction works any more. */
  cleanup(): void;
}

export interface DeflateOptions {
  readonly isServer: boolean;
  readonly maxPayload: number;
  /** Of all connections together; the first one's holds. */
  readonly concurrencyLimit: number;
  readonly threshold: number;
  readonly serverMaxWindowBits: number;
  /** undefined: the client cannot be told. */
  readonly clientMaxWindowBits: number | undefined;
  readonly zlibDeflateOptions: { readonly memLevel: number; readonly chunkSize: number };
  readonly zlibInflateOptions: { readonly chunkSize: number };
}

export type Extensions = Readonly<Record<string, PerMessageDeflate>>;

interface WsPackage {
  readonly Receiver: new (options: ReceiverOptions) => Receiver;
  readonly Sender: new (socket: SenderSocket, extensions: Extensions) => Sender;
  readonly PerMessageDeflate: new (options: DeflateOptions) => PerMessageDeflate;
  readonly extension: {
    /** Throws a SyntaxError. The result has no prototype, so no name is special in it. */
    parse(value: string): Readonly<Record<string, readonly OfferParameters[]>>;
    format(extensions: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>): string;
  };
  readonly subprotocol: {
    /** Throws a SyntaxError for what is not a list of distinct tokens. */
    parse(value: string): ReadonlySet<string>;
  };
}

const load = createRequire(import.meta.url);
let loaded: WsPackage | undefined;

/** Its version is pinned, so the types above describe what is installed. */
export function wsPackage(): WsPackage {
  loaded ??= load("ws") as WsPackage; // as said above
  return loaded;
}
