// The handler of a folder's files. What was asked for within the last second is answered at once out of memory; everything else
// is looked up on disk, while other requests go on.

import type { Clock } from "../../base/ports.ts";
import type { FilesConfig } from "../../config/route.ts";
import type { Exchange, Handler } from "../../http/exchange.ts";
import type { Log } from "../../log/log.ts";
import { answerWithPage } from "../error-page.ts";
import { type RequestTerms, termsOf } from "./conditions.ts";
import { statPath } from "./descriptor.ts";
import { type AnswerOptions, answerWithFile } from "./file-answer.ts";
import { FileCache } from "./file-cache.ts";
import { Lookups } from "./lookups.ts";
import { Mount, type Target } from "./mount.ts";
import type { Representation } from "./representation.ts";
import { pathBelow } from "./request-path.ts";
import { errorCode } from "./safe-open.ts";
import type { ServedFile, Sibling } from "./served-file.ts";

/** How long a file may be sent as it was when it was last looked at. Milliseconds. */
const VALID_MS = 1_000;

/** What all mounts of a front share. */
export interface FilesServices {
  readonly log: Log;
  readonly clock: Clock;
  readonly found: FileCache<Target>;
  /** Paths that led nowhere: apart, so that whoever asks for many does not push the files out. */
  readonly absent: FileCache<Target>;
  readonly lookups: Lookups<Target>;
  readonly siblingLookups: Lookups<Representation | undefined>;
}

export function filesServices(log: Log, clock: Clock): FilesServices {
  return {
    log,
    clock,
    found: new FileCache(),
    absent: new FileCache({ entriesMax: 1_024, bytesMax: 4 * 1024 * 1024, descriptorsMax: 0 }),
    lookups: new Lookups(clock),
    siblingLookups: new Lookups(clock),
  };
}

export interface FilesHandlerOptions {
  readonly config: FilesConfig;
  readonly services: FilesServices;
  /** Gets what is not there, if the configuration says so. */
  readonly next?: Handler | undefined;
}

let handlers = 0;

export class FilesHandler implements Handler {
  readonly #config: FilesConfig;
  readonly #services: FilesServices;
  readonly #next: Handler | undefined;
  readonly #mount: Mount;
  readonly #answer: AnswerOptions;
  /** Begins the keys of this handler in the caches of all. */
  readonly #mark: string;

  constructor({ config: given, services, next }: FilesHandlerOptions) {
    const config = { ...given, strip: withoutSlash(given.strip), root: withoutSlash(given.root) };
    const { log, clock } = services;
    const wallMs = (): number => clock.unixMs();
    this.#config = config;
    this.#services = services;
    this.#next = config.isOptional ? next : undefined;
    this.#mount = new Mount({ config, log, nowMs: () => clock.nowMs(), wallMs });
    this.#answer = { log, wallMs };
    handlers += 1;
    this.#mark = `${handlers}:`;
    void tellIfMissing(config.root, log);
  }

  handle(exchange: Exchange): void {
    const { method, path } = exchange.head;
    if (method !== "GET" && method !== "HEAD") {
      this.#refuseMethod(exchange);
      return;
    }
    const target = this.#known(path);
    if (target !== undefined) this.#give(exchange, target, false);
    else this.#find(exchange, path);
  }

  /** Of paths that need no decoding, without checking: only those that passed the checks are in the cache. */
  #known(path: string): Target | undefined {
    const { strip } = this.#config;
    if (!path.startsWith(strip)) return undefined;
    return this.#fresh(this.#mark + path.slice(strip.length));
  }

  #fresh(key: string): Target | undefined {
    const { found, absent, clock } = this.#services;
    const target = found.get(key) ?? absent.get(key);
    const isFresh = target !== undefined && clock.nowMs() - target.checkedAtMs < VALID_MS;
    return isFresh ? target : undefined;
  }

  #find(exchange: Exchange, path: string): void {
    const rest = pathBelow(path, this.#config);
    if (rest === undefined) this.#missing(exchange);
    else this.#take(exchange, rest, false);
  }

  #take(exchange: Exchange, rest: string, isFallback: boolean): void {
    const key = this.#mark + (isFallback ? "=" : "") + rest; // a rest begins with a slash, or is empty
    const target = this.#fresh(key);
    if (target !== undefined) this.#give(exchange, target, isFallback);
    else this.#look(exchange, { key, rest, isFallback });
  }

  #look(exchange: Exchange, question: Question): void {
    const look = (): Promise<Target> => this.#lookUp(question);
    this.#services.lookups.wait(exchange, question.key, look, (asker, result) => {
      if (result.ok) this.#give(asker, result.value, question.isFallback);
      else this.#fail(asker, result.reason);
    });
  }

  async #lookUp({ key, rest, isFallback }: Question): Promise<Target> {
    const { found, clock } = this.#services;
    const askedAtMs = clock.nowMs();
    const known = found.get(key);
    if (known !== undefined && (await this.#mount.isCurrent(known))) {
      known.checkedAtMs = askedAtMs;
      return known;
    }
    const target = await this.#mount.find(rest, isFallback);
    this.#keep(key, target);
    return target;
  }

  #keep(key: string, target: Target): void {
    const { found, absent } = this.#services;
    const isAbsent = target.what.kind === "absent";
    (isAbsent ? absent : found).set(key, target);
    (isAbsent ? found : absent).delete(key);
    if (target.what.kind !== "file") return;
    target.what.file.onGrown = () => {
      if (found.get(key) === target) found.set(key, target);
    };
  }

  #give(exchange: Exchange, { what }: Target, isFallback: boolean): void {
    if (what.kind === "file") this.#send(exchange, what.file);
    else if (what.kind === "redirect") redirectToFolder(exchange);
    else if (what.kind === "denied") answerWithPage(exchange.response, 403, {});
    else if (isFallback) this.#absent(exchange);
    else this.#missing(exchange);
  }

  #send(exchange: Exchange, file: ServedFile): void {
    const { fields } = exchange.head;
    const terms = termsOf(fields);
    const sibling = file.siblings.length === 0 ? undefined : this.#wanted(exchange, file, terms);
    const form = sibling === undefined ? file.plain : file.form(sibling.coding);
    if (form !== undefined) answerWithFile(exchange, form, terms, this.#answer);
    else if (sibling !== undefined) this.#loadSibling(exchange, file, sibling);
    else answerWithPage(exchange.response, 500, {});
  }

  /** Parts are of the file as it is, unless the client says by If-Range that it has others (RFC 9110 §14.2). */
  #wanted({ head }: Exchange, file: ServedFile, terms: RequestTerms | undefined): Sibling | undefined {
    if (terms?.range !== undefined) {
      return file.siblings.find(({ coding }) => file.form(coding)?.validators.etag === terms.ifRange);
    }
    const coding = file.choice.of(head.fields.get("accept-encoding") ?? "");
    return coding === undefined ? undefined : file.siblings.find((sibling) => sibling.coding === coding);
  }

  #loadSibling(exchange: Exchange, file: ServedFile, sibling: Sibling): void {
    const { siblingLookups } = this.#services;
    const key = this.#mark + sibling.path;
    siblingLookups.wait(
      exchange,
      key,
      () => file.loadSibling(sibling),
      (asker, look) => {
        const form = (look.ok ? look.value : undefined) ?? file.plain;
        if (form === undefined) this.#fail(asker, look.ok ? "it is gone" : look.reason);
        else answerWithFile(asker, form, termsOf(asker.head.fields), this.#answer);
      },
    );
  }

  #missing(exchange: Exchange): void {
    const { fallback } = this.#config;
    if (fallback !== "" && wantsPage(exchange)) this.#take(exchange, `/${fallback}`, true);
    else this.#absent(exchange);
  }

  #absent(exchange: Exchange): void {
    if (this.#next === undefined) answerWithPage(exchange.response, 404, {});
    else this.#next.handle(exchange);
  }

  #refuseMethod(exchange: Exchange): void {
    if (this.#next === undefined) answerWithPage(exchange.response, 405, { lines: "Allow: GET, HEAD\r\n" });
    else this.#next.handle(exchange);
  }

  #fail(exchange: Exchange, reason: string): void {
    this.#services.log.error("a file cannot be read", { target: exchange.head.target, reason });
    answerWithPage(exchange.response, 503, { lines: "Retry-After: 1\r\n" });
  }
}

/** It may still be made; until then everything in it is 404, and somebody will wonder why. */
async function tellIfMissing(root: string, log: Log): Promise<void> {
  const what = await statPath(root === "" ? "/" : root).catch(errorCode);
  if (what !== "folder")
    log.warning("a folder to serve is not there", {
      root,
      found: typeof what === "string" ? what : "a file",
    });
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, "");
}

/** What to look up. */
interface Question {
  readonly key: string;
  readonly rest: string;
  readonly isFallback: boolean;
}

/** A script or an image that does not exist is better missed than answered with a page. */
function wantsPage({ head }: Exchange): boolean {
  const name = head.path.slice(head.path.lastIndexOf("/") + 1);
  return !name.includes(".") || head.fields.get("accept")?.includes("text/html") === true;
}

/** Relative, so that it holds behind a proxy that has taken a prefix off (RFC 9110 §10.2.2). */
function redirectToFolder({ head, response }: Exchange): void {
  const name = head.path.slice(head.path.lastIndexOf("/") + 1);
  const query = head.query === "" ? "" : `?${head.query}`;
  answerWithPage(response, 301, { lines: `Location: ./${name}/${query}\r\n` });
}
