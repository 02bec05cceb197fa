// What a client's socket says, told to whoever owns it now. Sockets pass from a preface to a connection, and from that to a WebSocket.

import type { Duplex } from "node:stream";

export interface SocketSink {
  onData(bytes: Buffer): void;
  /** The client sends no more. It may still read. */
  onEnd(): void;
  /** `onClose` follows. */
  onError(error: Error): void;
  /** Nothing follows. */
  onClose(): void;
}

/**
 * Of a closed socket: Node's ones keep each other in memory until the next full collection of the old generation, and would keep
 * all that served them.
 */
const NOBODY: SocketSink = { onData() {}, onEnd() {}, onError() {}, onClose() {} };

/** From now on `owner` is told, until what is returned is called. A socket without an owner must find another in the same turn. */
export function listenTo(socket: Duplex, owner: SocketSink): () => void {
  let sink = owner;
  const onError = (error: Error): void => sink.onError(error);
  const onClose = (): void => {
    const last = sink;
    sink = NOBODY;
    last.onClose();
  };
  const onEnd = (): void => sink.onEnd();
  const onData = (bytes: Buffer): void => sink.onData(bytes);
  socket.on("error", onError);
  socket.on("close", onClose);
  socket.on("end", onEnd);
  socket.on("data", onData);
  return () => {
    socket.off("error", onError);
    socket.off("close", onClose);
    socket.off("end", onEnd);
    socket.off("data", onData);
  };
}
