// Clients' bytes without a fresh buffer for each read. Node gives every "data" event 64 KiB of its own, which costs more than
// parsing the request in it (docs/decisions/0002-lent-reads.md). Sockets adopted here read into one buffer that all share:
// a "data" chunk is lent, and only until its listeners return.

import { type Server, Socket, type SocketConstructorOpts } from "node:net";
import type { Duplex } from "node:stream";

const READ_BYTES = 65_536;
/** As much as a Unix socket commonly holds. */
const LARGE_READ_BYTES = 262_144;
const shared = Buffer.allocUnsafeSlow(READ_BYTES);
let largeShared: Buffer | undefined;

interface Lender {
  isLending: boolean;
}

/** A property rather than a WeakMap, whose entries are work for the garbage collector where connections are short. */
const LENDER = Symbol("lender");

interface Lent {
  [LENDER]?: Lender;
}

function lenderOf(socket: Duplex): Lender | undefined {
  return (socket as Lent)[LENDER];
}

/** What net.Server accepted, as a socket that lends. The given one is used up; where Node has changed inside, it is returned. */
export function lendReads(accepted: Socket): Socket {
  return lenderOf(accepted) !== undefined ? accepted : lend(accepted, shared);
}

export interface AcceptOptions {
  /** When the kernel asks a silent TCP peer whether it still exists. */
  readonly keepAliveMs: number;
  onSocket(socket: Socket): void;
}

/**
 * A listening server makes lending sockets from now on, without a socket of its own before each: where every request has a
 * connection of its own, that is a fifth of its cost. Where Node has changed inside, nothing changes.
 */
export function acceptLending(server: Server, { keepAliveMs, onSocket }: AcceptOptions): void {
  const listening = (server as unknown as { _handle: Partial<ListeningHandle> | null })._handle;
  const accept = listening?.onconnection;
  if (listening === null || typeof accept !== "function") return;
  listening.onconnection = function (error, accepted) {
    if (error !== 0 || typeof accepted?.useUserBuffer !== "function") {
      accept.call(this, error, accepted);
      return;
    }
    accepted.setNoDelay?.(true);
    accepted.setKeepAlive?.(true, keepAliveMs / 1_000);
    onSocket(lendHandle(accepted, shared));
  };
}

interface ListeningHandle {
  onconnection(error: number, accepted: AcceptedHandle | undefined): void;
}

interface AcceptedHandle extends Handle {
  setNoDelay?(isOn: boolean): void;
  setKeepAlive?(isOn: boolean, delaySeconds: number): void;
}

/** The same for those who send much at a time: workers. */
export function lendLargeReads(accepted: Socket): Socket {
  largeShared ??= Buffer.allocUnsafeSlow(LARGE_READ_BYTES);
  return lend(accepted, largeShared);
}

function lend(accepted: Socket, buffer: Buffer): Socket {
  const handle = takeHandle(accepted);
  return handle === undefined ? accepted : lendHandle(handle, buffer);
}

function lendHandle(handle: Handle, buffer: Buffer): Socket {
  const lender: Lender = { isLending: true };
  const onread = {
    buffer,
    callback: (length: number): boolean => {
      const bytes = buffer.subarray(0, length);
      socket.emit("data", lender.isLending ? bytes : Buffer.from(bytes));
      return true;
    },
  };
  // `handle` is how Node itself makes a Socket of an accepted connection; its types leave it out.
  const options: unknown = { handle, onread, allowHalfOpen: true };
  const socket = new Socket(options as SocketConstructorOpts);
  (socket as Lent)[LENDER] = lender;
  return socket;
}

/** Chunks of this socket must be copied by who keeps them. */
export function isLending(socket: Duplex): boolean {
  return lenderOf(socket)?.isLending === true;
}

/** From the next chunk on they are the listener's to keep. Harmless for any socket. */
export function stopLending(socket: Duplex): void {
  const lender = lenderOf(socket);
  if (lender !== undefined) lender.isLending = false;
}

interface Handle {
  useUserBuffer(buffer: Uint8Array): void;
  readStop(): void;
  reading: boolean;
}

/** The connection itself, taken out of the socket, which is closed without it. */
function takeHandle(socket: Socket): Handle | undefined {
  const owner = socket as unknown as { _handle: Partial<Handle> | null };
  const handle = owner._handle;
  if (typeof handle?.useUserBuffer !== "function" || typeof handle.readStop !== "function") return undefined;
  handle.readStop();
  handle.reading = false;
  owner._handle = null;
  socket.on("error", () => {}); // it has no connection any more that could fail
  socket.destroy();
  return handle as Handle;
}
