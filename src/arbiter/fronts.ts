// The fronts, one for each number, kept alive as long as the server runs. A seat's link belongs to one front:
// seat nr modulo their count.

import type { Application } from "../config/site.ts";
import type { FrontSite } from "../control/messages.ts";
import type { ListenerMaterial } from "./certificate-keeper.ts";
import type { AppBroken, AppMended } from "./development.ts";
import type { FrontHandle } from "./front-handle.ts";
import { Kept } from "./kept.ts";
import type { Listener } from "./listeners.ts";

/** Each application needs a worker at each front, or clients of that front would wait for ever. */
export function frontsFor(wanted: number, apps: readonly Pick<Application, "config">[]): number {
  return Math.max(1, Math.min(wanted, ...apps.map(({ config }) => config.workersMin)));
}

export class Fronts {
  readonly #kept: readonly Kept<FrontHandle>[];

  constructor(count: number, make: (nr: number) => FrontHandle) {
    this.#kept = Array.from({ length: count }, (_, nr) => new Kept(() => make(nr)));
  }

  get count(): number {
    return this.#kept.length;
  }

  get isEmpty(): boolean {
    return this.#handles.length === 0;
  }

  get areReady(): boolean {
    return this.#kept.every(({ handle }) => handle?.state === "ready");
  }

  /** The front that has this seat's link, if it is ready. */
  ofSeat(nr: number): FrontHandle | undefined {
    const handle = this.#kept[this.nrOfSeat(nr)]?.handle;
    return handle?.state === "ready" || handle?.state === "draining" ? handle : undefined;
  }

  nrOfSeat(nr: number): number {
    return this.#kept.length === 0 ? 0 : nr % this.#kept.length;
  }

  tend(nowMs: number): void {
    for (const kept of this.#kept) kept.tend(nowMs);
  }

  onGone(front: FrontHandle, nowMs: number): void {
    this.#kept[front.nr]?.onGone(nowMs);
  }

  /** The last order: none is made again. */
  drain(graceMs: number, options: { readonly quick: boolean }): void {
    for (const kept of this.#kept) kept.release();
    for (const handle of this.#handles) handle.drain(graceMs, options);
  }

  /** They stop accepting and end; others are made after `resume`. */
  rest(graceMs: number): void {
    for (const kept of this.#kept) kept.rest();
    for (const handle of this.#handles) handle.drain(graceMs, { quick: false });
  }

  resume(): void {
    for (const kept of this.#kept) kept.resume();
  }

  kill(): void {
    for (const kept of this.#kept) kept.release();
    for (const handle of this.#handles) handle.kill();
  }

  /** A stop is near. */
  leave(): void {
    for (const handle of this.#handles) handle.leave();
  }

  reconfigure(site: FrontSite, listeners: readonly Listener[]): void {
    for (const handle of this.#handles) handle.reconfigure(site, listeners);
  }

  /** Each serves what it was told last. */
  get areCurrent(): boolean {
    return this.#kept.every(({ handle }) => handle?.isCurrent === true);
  }

  get all(): readonly FrontHandle[] {
    return this.#handles;
  }

  /** Development only. */
  tellApp(app: string, state: AppBroken | AppMended): void {
    for (const handle of this.#handles) handle.tellApp(app, state);
  }

  showCertificates(materials: readonly ListenerMaterial[]): void {
    for (const handle of this.#handles) handle.showCertificates(materials);
  }

  reopenLogs(): void {
    for (const handle of this.#handles) handle.reopenLogs();
  }

  nextMomentMs(): number {
    return Math.min(...this.#kept.map((kept) => kept.nextMomentMs()), Number.POSITIVE_INFINITY);
  }

  get #handles(): FrontHandle[] {
    return this.#kept.flatMap(({ handle }) => (handle === undefined ? [] : [handle]));
  }
}
