// Keeps what listeners with TLS show up to date: reads the files at the start, again when they change, and at HUP. What is broken
// changes nothing: fronts keep what they have, and the log says why, once. Milliseconds.
//
// Files are looked at, not listened to: real path, size, inode and time of change tell of a rewritten file, of one that was moved
// into place, and of a symbolic link that was turned (Kubernetes' `..data`), wherever in the path it stands.

import { createHash, randomBytes } from "node:crypto";
import { realpathSync, statSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import type { Clock, Timer } from "../base/ports.ts";
import type { ListenerConfig, TlsConfig } from "../config/listener.ts";
import type { TlsMaterial } from "../config/tls-material.ts";
import type { Log } from "../log/log.ts";
import { filesOf, fingerprint, readCertificates } from "./certificates.ts";

/** How soon a change is noticed. */
const LOOK_MS = 2_000;
/** Session tickets are sealed with another key after so long: who steals one learns no more than that. */
const TICKET_KEYS_MS = 24 * 3_600_000;
const TICKET_KEY_BYTES = 48;

/** What a front is to show on the listener with this id. */
export interface ListenerMaterial {
  readonly listener: number;
  readonly material: TlsMaterial;
}

/** A listener whose settings may ask for certificates. */
export interface TlsListener {
  readonly id: number;
  readonly settings: ListenerConfig;
}

/** What several listeners may have in common. */
interface Kept {
  /** Their ids. */
  listeners: readonly number[];
  readonly settings: TlsConfig;
  /** How the files looked when they were read last, and when they were looked at last. */
  look: string;
  lastLook: string;
  reading: Omit<TlsMaterial, "ticketKeys"> | undefined;
  /** What was said of the files last. */
  told: string;
}

export class CertificateKeeper {
  readonly #clock: Clock;
  readonly #log: Log;
  #kept: readonly Kept[];
  /** Those of a reload that is not done, and the listeners that they shall have. */
  #admitted: ReadonlyMap<Kept, readonly number[]> | undefined;
  #ticketSecret = randomBytes(TICKET_KEY_BYTES);
  #ticketsSinceMs: number;
  #timer: Timer | undefined;
  #onChange: ((changed: readonly ListenerMaterial[]) => void) | undefined;

  constructor(listeners: readonly TlsListener[], clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#ticketsSinceMs = clock.nowMs();
    this.#kept = [...grouped(listeners)].map(([settings, ids]) => ({ ...UNREAD, settings, listeners: ids }));
  }

  /** For the start: reads everything. False: something is wrong, and the log says what. */
  readAll(): boolean {
    for (const kept of this.#kept) this.#read(kept);
    return this.#kept.every(({ reading }) => reading !== undefined);
  }

  /**
   * For a reload: reads what these listeners need and was not read yet. Answers what is wrong, a line each; they count from `apply` on.
   * Another one, or `discard`, takes its place.
   */
  admit(listeners: readonly TlsListener[]): readonly string[] {
    const problems: string[] = [];
    const admitted = [...grouped(listeners)].map(([settings, ids]) => {
      const known = this.#kept.find((kept) => isDeepStrictEqual(kept.settings, settings));
      if (known !== undefined) return [known, ids] as const;
      const fresh: Kept = { ...UNREAD, settings, listeners: [] };
      problems.push(...this.#readFirst(fresh));
      return [fresh, ids] as const;
    });
    this.#admitted = new Map(admitted);
    return problems;
  }

  /** What was admitted counts from now on. */
  apply(): void {
    if (this.#admitted === undefined) return;
    this.#kept = [...this.#admitted].map(([kept, listeners]) => Object.assign(kept, { listeners }));
    this.#admitted = undefined;
    if (this.#timer === undefined && this.#onChange !== undefined) this.#watchAll();
  }

  discard(): void {
    this.#admitted = undefined;
  }

  /** For a front that starts now. */
  get materials(): readonly ListenerMaterial[] {
    return this.#kept.flatMap((kept) => this.#materialsOf(kept));
  }

  /** Looks after the files until `close`; `onChange` is told of listeners that have something else to show. */
  watch(onChange: (changed: readonly ListenerMaterial[]) => void): void {
    this.#onChange = onChange;
    this.#watchAll();
  }

  #watchAll(): void {
    if (this.#kept.length > 0) this.#wait();
  }

  /** Reads everything now, changed or not. */
  readAgain(): void {
    this.#tell(this.#kept.filter((kept) => this.#read(kept)));
  }

  close(): void {
    this.#timer?.cancel();
    this.#onChange = undefined;
  }

  #wait(): void {
    this.#timer = this.#clock.after(LOOK_MS, () => {
      this.#wait();
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#clock.nowMs() - this.#ticketsSinceMs >= TICKET_KEYS_MS) {
      this.#ticketSecret = randomBytes(TICKET_KEY_BYTES);
      this.#ticketsSinceMs = this.#clock.nowMs();
      this.#tell(this.#kept);
    }
    this.#tell(this.#kept.filter((kept) => hasSettled(kept) && this.#read(kept)));
  }

  #tell(changed: readonly Kept[]): void {
    const materials = changed.flatMap((kept) => this.#materialsOf(kept));
    if (materials.length > 0) this.#onChange?.(materials);
  }

  #readFiles(kept: Kept): ReturnType<typeof readCertificates> {
    // Before the files are read: what changes in between is seen at the next look.
    kept.look = lookAt(filesOf(kept.settings));
    kept.lastLook = kept.look;
    return readCertificates(kept.settings, this.#clock.unixMs());
  }

  #readFirst(kept: Kept): readonly string[] {
    const { material, problems, warnings } = this.#readFiles(kept);
    this.#say(kept, [], warnings);
    kept.reading = material;
    return problems;
  }

  /** True: it is something else than before, and good. */
  #read(kept: Kept): boolean {
    const { material, problems, warnings } = this.#readFiles(kept);
    this.#say(kept, problems, warnings);
    if (material === undefined) return false;
    const before = kept.reading;
    kept.reading = material;
    if (before === undefined || fingerprint(before) === fingerprint(material)) return false;
    this.#log.info("certificates read again", { files: filesOf(kept.settings).join(", ") });
    return true;
  }

  #say(kept: Kept, problems: readonly string[], warnings: readonly string[]): void {
    const told = [...problems, ...warnings].join("\n");
    if (told === kept.told) return;
    kept.told = told;
    const isKeeping = problems.length > 0 && kept.reading !== undefined;
    const end = isKeeping ? "; the certificate that was read before stays in use" : "";
    for (const problem of problems) this.#log.error(`${problem}${end}`);
    for (const warning of warnings) this.#log.warning(warning);
  }

  #materialsOf({ listeners, settings, reading }: Kept): ListenerMaterial[] {
    if (reading === undefined) return [];
    const material = { ...reading, ticketKeys: this.#ticketKeys(settings, reading.clientCa) };
    return listeners.map((listener) => ({ listener, material }));
  }

  /** A session is resumed only where the same certificates are shown and the same is asked of clients. */
  #ticketKeys({ certificates, clientCertificate }: TlsConfig, clientCa: string): string {
    const place = JSON.stringify([certificates, clientCertificate, clientCa]);
    const hash = createHash("sha512").update(this.#ticketSecret).update(place).digest();
    return hash.subarray(0, TICKET_KEY_BYTES).toString("base64");
  }
}

const UNREAD: Omit<Kept, "settings" | "listeners"> = { look: "", lastLook: "", reading: undefined, told: "" };

/** What is wanted of TLS, and by which listeners. */
function grouped(listeners: readonly TlsListener[]): ReadonlyMap<TlsConfig, readonly number[]> {
  const groups = new Map<string, { readonly tls: TlsConfig; readonly ids: number[] }>();
  for (const { id, settings } of listeners) {
    if (settings.tls === null) continue;
    const key = JSON.stringify(settings.tls);
    const group = groups.get(key) ?? { tls: settings.tls, ids: [] };
    group.ids.push(id);
    groups.set(key, group);
  }
  return new Map([...groups.values()].map(({ tls, ids }) => [tls, ids]));
}

/** Files changed, and not since the look before: who renews a certificate writes its key a moment later. */
function hasSettled(kept: Kept): boolean {
  const now = lookAt(filesOf(kept.settings));
  const isSettled = now === kept.lastLook && now !== kept.look;
  kept.lastLook = now;
  return isSettled;
}

/** Differs when one of the files does, or is not there any more. */
function lookAt(files: readonly string[]): string {
  return files.map(lookAtFile).join("\n");
}

function lookAtFile(file: string): string {
  try {
    const { mtimeMs, ctimeMs, size, ino } = statSync(file);
    return `${realpathSync(file)} ${mtimeMs} ${ctimeMs} ${size} ${ino}`;
  } catch {
    // In the middle of being replaced, or gone: the next look, or the reading, tells which.
    return "";
  }
}
