// Which hooks of the server's own life (gunicorn's on_starting, when_ready, on_reload, nworkers_changed, pre_exec, on_exit) are
// due, each once. A forkserver calls them, if the configuration file has them.

import type { HookCall } from "../control/messages.ts";

export class ServerHooks {
  /** The newest generation whose hooks of the start were asked for. */
  #called = 0;
  /** null before the first time, as gunicorn's None. */
  #workersTold: number | null = null;

  /** In gunicorn's order. A forkserver that takes a dead one's place has nothing new to tell. */
  ofStart(generation: number, workers: number): HookCall[] {
    if (this.#called >= generation) return [];
    const isFirst = this.#called === 0;
    this.#called = generation;
    const changed = this.ofScale(workers);
    if (!isFirst) return [...changed, { name: "on_reload", values: [] }];
    return [...changed, { name: "on_starting", values: [] }, { name: "when_ready", values: [] }];
  }

  /** What the hooks have not been told yet. */
  ofScale(workers: number): HookCall[] {
    const before = this.#workersTold;
    this.#workersTold = workers;
    return before === workers ? [] : [{ name: "nworkers_changed", values: [workers, before] }];
  }

  /** Before a new server is started on the same sockets. */
  ofSuccession(): HookCall[] {
    return [{ name: "pre_exec", values: [] }];
  }

  /** The last word of the last forkserver. */
  ofEnd(): HookCall[] {
    return [{ name: "on_exit", values: [] }];
  }
}
