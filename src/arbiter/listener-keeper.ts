// Where the server listens. What a reload wants to listen on besides is opened before its code is tried, and given to fronts when
// that serves; an address that cannot be had fails the reload, and nothing has changed.
//
//   admit ──► admitted ──► apply ──► fronts have changed ──► openLate
//                └──► discard

import { isDeepStrictEqual } from "node:util";
import { showAddress } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import type { Address, ListenerConfig } from "../config/listener.ts";
import type { CertificateKeeper } from "./certificate-keeper.ts";
import { ListenError } from "./listen-error.ts";
import { type Listener, onActivated, type Place, respoken } from "./listeners.ts";

export interface ListenerKeeperOptions {
  /** Those of the start; their ids are 0, 1, …. */
  readonly listeners: readonly Listener[];
  /** systemd opened them: where they listen is for its unit to say. */
  readonly areActivated: boolean;
  readonly certificates: CertificateKeeper | undefined;
  /** Throws ListenError. */
  open(place: Place, config: Config): Promise<Listener>;
}

/** What is to be listened on next. */
interface Admitted {
  readonly config: Config;
  /** Open already. */
  readonly listeners: readonly Listener[];
  /** They lie over addresses that are given up: only when those are closed everywhere they can be opened. */
  readonly late: readonly Place[];
}

interface Late extends Pick<Admitted, "config" | "late"> {
  readonly givenUp: readonly Listener[];
}

interface Request extends Pick<Admitted, "config"> {
  readonly turn: number;
  readonly wanted: readonly ListenerConfig[];
  readonly onAdmitted: OnAdmitted;
}

interface Opening {
  readonly places: readonly Place[];
  readonly config: Config;
  /** What is given up. */
  readonly leaving: readonly Listener[];
  isMeant(): boolean;
}

interface Opened extends Pick<Admitted, "listeners" | "late"> {
  readonly problems: readonly string[];
}

/** Lines that say what is wrong; none when all is well. */
export type OnAdmitted = (problems: readonly string[]) => void;

export class ListenerKeeper {
  readonly #options: ListenerKeeperOptions;
  #current: readonly Listener[];
  #admitted: Admitted | undefined;
  #late: Late | undefined;
  #nextId: number;
  /** Counts what was asked for: only the newest is carried out. */
  #turn = 0;
  #isClosed = false;
  #opening: Promise<void> = Promise.resolve();

  constructor(options: ListenerKeeperOptions) {
    this.#options = options;
    this.#current = options.listeners;
    this.#nextId = options.listeners.length;
  }

  get areActivated(): boolean {
    return this.#options.areActivated;
  }

  get current(): readonly Listener[] {
    return this.#current;
  }

  /** As people write them; of what was admitted, where something was. */
  get addresses(): readonly string[] {
    return (this.#admitted?.listeners ?? this.#current).map(({ served }) => served.address);
  }

  /**
   * Opens what is wanted and not there yet, and reads its certificates. False: there is nothing to do. Else `onAdmitted` is called
   * later, unless something else is asked for before.
   */
  admit(config: Config, onAdmitted: OnAdmitted): boolean {
    this.discard();
    const wanted = this.#wanted(config);
    if (this.#isClosed || isDeepStrictEqual(wanted, this.#current.map(settingsOf))) return false;
    const turn = this.#turn;
    this.#inTurn(() => this.#admit({ turn, wanted, config, onAdmitted }));
    return true;
  }

  #wanted({ listeners }: Config): readonly ListenerConfig[] {
    if (!this.#options.areActivated) return listeners;
    const addresses = this.#current.map((listener) => settingsOf(listener).address);
    return onActivated(addresses, listeners);
  }

  /** One after the other: what is not meant any more is closed before it is opened anew. */
  #inTurn(open: () => Promise<void>): void {
    this.#opening = this.#opening.then(open);
  }

  async #admit({ turn, wanted, config, onAdmitted }: Request): Promise<void> {
    if (turn !== this.#turn) return;
    const { kept, places } = this.#compare(wanted);
    const isMeant = (): boolean => turn === this.#turn;
    const leaving = givenUp(this.#current, kept);
    const opened = await this.#openAll({ places, config, leaving, isMeant });
    if (!isMeant()) {
      abandon(opened);
      return;
    }
    const listeners = [...kept, ...opened.listeners];
    const certified = this.#options.certificates?.admit([...listeners.map(placeOf), ...opened.late]) ?? [];
    const problems = [...opened.problems, ...certified];
    if (problems.length === 0) this.#admitted = { config, listeners, late: opened.late };
    else abandon(opened);
    onAdmitted(problems);
  }

  /** Each listener stands for one of those that are wanted at most: there may be several with port 0. */
  #compare(wanted: readonly ListenerConfig[]): {
    readonly kept: readonly Listener[];
    readonly places: readonly Place[];
  } {
    const left = [...this.#current];
    const kept: Listener[] = [];
    const places: Place[] = [];
    for (const settings of wanted) {
      const index = left.findIndex((listener) => isAt(listener, settings.address));
      const [known] = index < 0 ? [] : left.splice(index, 1);
      if (known === undefined) places.push(this.#placeFor(settings));
      else if (isDeepStrictEqual(settingsOf(known), settings)) kept.push(known);
      else kept.push(respoken(known, this.#placeFor(settings)));
    }
    return { kept, places };
  }

  #placeFor(settings: ListenerConfig): Place {
    return { id: this.#nextId++, settings };
  }

  /** As far as it gets while it is meant. */
  async #openAll({ places, config, leaving, isMeant }: Opening): Promise<Opened> {
    const listeners: Listener[] = [];
    const late: Place[] = [];
    const problems: string[] = [];
    for (const place of places) {
      const opened = isMeant() ? await this.#open(place, config) : undefined;
      if (opened === undefined) break;
      if (!(opened instanceof ListenError)) listeners.push(opened);
      else if (liesOver(opened, leaving)) late.push(place);
      else problems.push(opened.message);
    }
    return { listeners, late, problems };
  }

  async #open(place: Place, config: Config): Promise<Listener | ListenError> {
    const { address } = place.settings;
    if (address.kind === "fd") return new ListenError("EBADF", showAddress(address), 0);
    try {
      return await this.#options.open(place, config);
    } catch (error) {
      return error instanceof ListenError ? error : ListenError.fromError(error, showAddress(address));
    }
  }

  /** What was admitted counts: fronts are to be told, and nobody waits where they do not listen any more. False: nothing was. */
  apply(): boolean {
    const admitted = this.#admitted;
    if (admitted === undefined) return false;
    this.#admitted = undefined;
    const { config, listeners, late } = admitted;
    const leaving = givenUp(this.#current, listeners);
    this.#current = listeners;
    this.#options.certificates?.apply();
    for (const listener of leaving) listener.close();
    this.#late = late.length > 0 ? { config, late, givenUp: leaving } : undefined;
    return true;
  }

  /** What was admitted, or is about to be, comes to nothing. */
  discard(): void {
    this.#turn += 1;
    const admitted = this.#admitted;
    this.#admitted = undefined;
    this.#options.certificates?.discard();
    for (const listener of givenUp(admitted?.listeners ?? [], this.#current)) listener.close();
  }

  /** To be called when fronts have closed what was given up. False: there is nothing to open; else `onOpened` is called later. */
  openLate(onOpened: OnAdmitted): boolean {
    const late = this.#late;
    this.#late = undefined;
    if (late !== undefined) this.#inTurn(() => this.#openLate(late, onOpened));
    return late !== undefined;
  }

  /** Where one cannot be had, those before are opened again. */
  async #openLate({ config, late, givenUp: before }: Late, onOpened: OnAdmitted): Promise<void> {
    const isMeant = (): boolean => !this.#isClosed;
    const opened = await this.#openAll({ places: late, config, leaving: [], isMeant });
    const again = opened.problems.length === 0 ? [] : before.map((one) => this.#placeFor(asItWas(one)));
    const restored = await this.#openAll({ places: again, config, leaving: [], isMeant });
    if (!isMeant()) {
      abandon(opened);
      abandon(restored);
      return;
    }
    this.#current = [...this.#current, ...opened.listeners, ...restored.listeners];
    const certified = again.length === 0 ? [] : this.#certify();
    onOpened([...opened.problems, ...restored.problems, ...certified]);
  }

  #certify(): readonly string[] {
    const { certificates } = this.#options;
    const problems = certificates?.admit(this.#current.map(placeOf)) ?? [];
    certificates?.apply();
    return problems;
  }

  /** Nobody is taken any more. Harmless when repeated. */
  close(): void {
    this.#isClosed = true;
    this.discard();
    this.#late = undefined;
    for (const listener of this.#current) listener.close();
  }
}

function abandon({ listeners }: Opened): void {
  for (const listener of listeners) listener.close();
}

function settingsOf({ served }: Listener): ListenerConfig {
  return served.settings;
}

function placeOf({ served: { id, settings } }: Listener): Place {
  return { id, settings };
}

/** By their sockets: a listener may come back with other settings. */
function givenUp(before: readonly Listener[], after: readonly Listener[]): readonly Listener[] {
  return before.filter(({ socket }) => !after.some((listener) => listener.socket === socket));
}

/** As it was asked for or, for one that was handed over, as it is bound. */
function isAt({ served }: Listener, address: Address): boolean {
  if (isDeepStrictEqual(served.settings.address, address)) return true;
  if (address.kind === "tcp") return served.host === address.host && served.port === address.port;
  return address.kind === "unix" && served.path === address.path;
}

/** The same port of another address, or of all. */
function liesOver({ code, port }: ListenError, leaving: readonly Listener[]): boolean {
  return code === "EADDRINUSE" && port !== 0 && leaving.some(({ served }) => served.port === port);
}

/** Where it really was: not port 0. */
function asItWas({ served: { settings, kind, host, port } }: Listener): ListenerConfig {
  return kind === "tcp" ? { ...settings, address: { kind, host, port } } : settings;
}
