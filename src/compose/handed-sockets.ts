// A front's end of the channel on which the arbiter hands it listening sockets (Child.sendSocket). It has as many commands as
// sockets to read, and the two come in any order.

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
    // Nobody closes the handle itself: its descriptor belongs to the server that listens on it.
    process.on("message", (message, handle) => {
      const { listener } = message as HandedSocket;
      const fd = (handle as unknown as { readonly fd?: number } | undefined)?.fd;
      if (fd === undefined || fd < 0)
        this.#socket(listener).reject(new Error("no descriptor is left for it"));
      else this.#socket(listener).resolve(fd);
    });
  }

  /** The descriptor of a listener's socket, once for each. Rejects when there is none to be had. */
  async take(listener: number): Promise<number> {
    const socket = this.#socket(listener);
    const timer = this.#clock.after(WAIT_MS, () =>
      socket.reject(new Error("the arbiter did not hand it over")),
    );
    try {
      return await socket.promise;
    } finally {
      timer.cancel();
      this.#sockets.delete(listener);
    }
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
