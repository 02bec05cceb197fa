// A worker as the app handler sees it: both of its sockets as one thing that ends once.

import type { Aside, AsideSink } from "../link/aside.ts";
import type { AttachedWorker } from "../link/attached-worker.ts";
import type { CancelCause, Link } from "../link/link.ts";
import type { StreamSink } from "../link/stream-sink.ts";

export interface AppWorkerEvents {
  /** It gave these back. */
  onTaken(worker: AppWorker, streams: readonly StreamSink[]): void;
  /** Its link is gone. Once. */
  onWorkerGone(worker: AppWorker): void;
}

export class AppWorker implements AsideSink {
  readonly pid: number;
  readonly slots: number;
  readonly interface: "wsgi" | "asgi";
  readonly link: Link;
  readonly #aside: Aside;
  readonly #events: AppWorkerEvents;

  constructor(worker: AttachedWorker, events: AppWorkerEvents) {
    this.pid = worker.hello.pid;
    this.slots = worker.hello.slots;
    this.interface = worker.hello.interface;
    this.link = worker.link;
    this.#aside = worker.aside;
    this.#events = events;
    worker.aside.sink = this;
    worker.link.closed = () => {
      this.#aside.destroy();
      events.onWorkerGone(this);
    };
  }

  takeBack(): void {
    this.#aside.takeBack();
  }

  cancel(stream: number, cause: CancelCause): void {
    this.link.cancel(stream, cause);
    if (cause === "client-left") this.#aside.left(stream);
  }

  destroy(): void {
    this.link.destroy();
  }

  onTaken(streams: readonly number[]): void {
    const sinks = streams.map((stream) => this.link.forget(stream)).filter((sink) => sink !== undefined);
    this.#events.onTaken(this, sinks);
  }

  /** A worker without its control thread could hold requests for good. */
  onAsideClosed(): void {
    this.link.destroy();
  }
}
