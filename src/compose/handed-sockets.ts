// A front's end of the channel on which the arbiter hands it listening sockets (Child.sendSocket). It has as many commands as
// sockets to read, and the two come in any order.

import type { SocketHandle } from "../arbiter/listeners.ts";
import { Deferred } from "../base/deferred.ts";
import type { Clock } from "../base/ports.ts";
import type { HandedSocket } from "../control/messages.ts";

/** The arbiter sends them together with the command that names them. */
const WAIT_MS = 5_000;

export class HandedSockets {
  readonly #clock: Clock;
  /** Descriptors by the listeners' ids: here already, or waited for. */
  readonly #sockets = new Map<number, Deferred<number>>();

  constructor(clock: Clock) {
    this.#clock = clock;
    process.on("message", (message, handle) => {
      const { listener } = message as HandedSocket;
      this.#onSocket(listener, handle as unknown as SocketHandle | undefined);
    });
  }

  /** Nobody closes a handle that is taken: its descriptor belongs to the server that listens on it. */
  #onSocket(listener: number, handle: SocketHandle | undefined): void {
    const socket = this.#socket(listener);
    if (handle === undefined || handle.fd < 0) socket.reject(new Error("no descriptor is left for it"));
    else if (socket.isSettled) handle.close();
    else socket.resolve(handle.fd);
  }

  /** The descriptor of a listener's socket, once for each. Rejects when there is none to be had; one that comes later is closed. */
  async take(listener: number): Promise<number> {
    const socket = this.#socket(listener);
    const timer = this.#clock.after(WAIT_MS, () =>
      socket.reject(new Error("the arbiter did not hand it over")),
    );
    const fd = await socket.promise.finally(() => timer.cancel());
    this.#sockets.delete(listener);
    return fd;
  }

  #socket(listener: number): Deferred<number> {
    const known = this.#sockets.get(listener);
    if (known !== undefined) return known;
    const socket = new Deferred<number>();
    socket.promise.catch(() => {}); // whoever takes it is told
    this.#sockets.set(listener, socket);
    return socket;
  }
}
