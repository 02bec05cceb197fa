// The forkservers, one for each generation that still has workers or is to have some.

import type { HookCall } from "../control/messages.ts";
import type { ForkserverHandle } from "./forkserver-handle.ts";
import { Kept } from "./kept.ts";

export class Forkservers {
  readonly #make: (generation: number) => ForkserverHandle;
  readonly #kept = new Map<number, Kept<ForkserverHandle>>();

  constructor(make: (generation: number) => ForkserverHandle) {
    this.#make = make;
  }

  get isEmpty(): boolean {
    return this.#handles.length === 0;
  }

  get generations(): readonly number[] {
    return [...this.#kept.keys()];
  }

  get(generation: number): ForkserverHandle | undefined {
    return this.#kept.get(generation)?.handle;
  }

  /** Any that reads what it is told. */
  get listening(): ForkserverHandle | undefined {
    return this.#handles.find(({ state }) => state === "configured" || state === "stopping");
  }

  /** The one that can fork. */
  configured(generation: number): ForkserverHandle | undefined {
    const handle = this.get(generation);
    return handle?.state === "configured" ? handle : undefined;
  }

  add(generation: number): void {
    this.#kept.set(generation, new Kept(() => this.#make(generation)));
  }

  tend(nowMs: number): void {
    for (const kept of this.#kept.values()) kept.tend(nowMs);
  }

  onGone(forkserver: ForkserverHandle, nowMs: number): void {
    const kept = this.#kept.get(forkserver.generation);
    kept?.onGone(nowMs);
    if (kept?.isReleased === true) this.#kept.delete(forkserver.generation);
  }

  /** It ends with its last worker, after `calls`, and is not made again. Harmless when repeated. */
  release(generation: number, calls: readonly HookCall[] = []): void {
    const kept = this.#kept.get(generation);
    if (kept === undefined) return;
    kept.release();
    if (kept.handle === undefined) this.#kept.delete(generation);
    else kept.handle.stop(calls);
  }

  releaseAll(): void {
    for (const generation of this.generations) this.release(generation);
  }

  kill(): void {
    for (const handle of this.#handles) handle.kill();
  }

  nextMomentMs(): number {
    return Math.min(...[...this.#kept.values()].map((kept) => kept.nextMomentMs()), Number.POSITIVE_INFINITY);
  }

  get #handles(): ForkserverHandle[] {
    return [...this.#kept.values()].flatMap(({ handle }) => (handle === undefined ? [] : [handle]));
  }
}
