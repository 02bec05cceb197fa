// Files that an application has named instead of sending them: X-Sendfile (a path on disk below a folder that the operator allows),
// X-Accel-Redirect (a path of an internal route), and a whole file of its own with ranges (file_wrapper, pathsend).
// The fields never reach a client. They are left to a web server in front where that is who asked, and nobody here is to obey them.

import type { FilesConfig } from "../../config/route.ts";
import { parseHttpDate } from "../../http/date.ts";
import type { AbortCause, Exchange, ExchangeEvents, ResponseHead } from "../../http/exchange.ts";
import { blockValue, withoutFields } from "../../http/header-block.ts";
import type { Log } from "../../log/log.ts";
import { answerWithPage } from "../error-page.ts";
import { type RequestTerms, termsOf, type Validators } from "./conditions.ts";
import { contentTypeOf } from "./content-type.ts";
import { closeDescriptor, type OpenFile } from "./descriptor.ts";
import { type AnswerOptions, answerWithFile } from "./file-answer.ts";
import { Representation, validatorLines, validatorsOf } from "./representation.ts";
import { pathBelow } from "./request-path.ts";
import { type Found, openBelow, openWithin } from "./safe-open.ts";
import { SharedFile } from "./shared-file.ts";

/** Made anew, or meant for who obeys the fields (nginx's `X-Accel-…`). */
const OWN_FIELDS = [
  ...["content-length", "content-type", "x-sendfile", "x-accel-redirect", "x-accel-buffering"],
  ...["x-accel-charset", "x-accel-expires", "x-accel-limit-rate"],
];
const OPEN_MS_MAX = 30_000;

/** Where X-Accel-Redirect may lead. */
export interface InternalFolders {
  readonly isEmpty: boolean;
  /** The folder of an internal route that a path leads to. */
  find(path: string, authority: string): FilesConfig | undefined;
}

export interface AppFilesOptions {
  /** Absolute folders for X-Sendfile. */
  roots(): readonly string[];
  readonly internal: InternalFolders;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly wallMs: () => number;
}

interface Order {
  readonly field: "X-Sendfile" | "X-Accel-Redirect";
  readonly value: string;
  readonly head: ResponseHead;
  readonly block: string;
}

export class AppFiles {
  readonly #options: AppFilesOptions;

  constructor(options: AppFilesOptions) {
    this.#options = options;
  }

  /** False: the response is to be sent as it is. `isTrusted`: its client is a proxy that is believed. */
  take(exchange: Exchange, head: ResponseHead, block: string, isTrusted: boolean): boolean {
    const order = orderOf(head, block);
    if (order === undefined) return false;
    if (this.#isObeyed(order)) {
      void this.#obey(exchange, order);
      return true;
    }
    if (isTrusted && comesByProxy(exchange)) return false;
    const option = order.field === "X-Sendfile" ? "--sendfile-root" : "--static-internal";
    this.#refuse(exchange, order, `nothing is allowed: see ${option}`);
    return true;
  }

  #isObeyed({ field }: Order): boolean {
    return field === "X-Sendfile" ? this.#options.roots().length > 0 : !this.#options.internal.isEmpty;
  }

  async #obey(exchange: Exchange, order: Order): Promise<void> {
    const wait = new Wait(exchange, () => this.#answerLater(exchange, order));
    try {
      const found = await this.#open(exchange, order);
      if (wait.isOver()) {
        if (found?.kind === "file") closeDescriptor(found.file.fd);
        return;
      }
      this.#answer(exchange, order, found);
    } catch (error) {
      if (wait.isOver()) return;
      this.#refuse(exchange, order, error instanceof Error ? error.message : String(error));
    }
  }

  #answerLater(exchange: Exchange, order: Order): void {
    this.#refuse(exchange, order, "the disk does not answer");
  }

  /** Undefined: it leads to nothing that is allowed. */
  async #open({ head }: Exchange, { field, value }: Order): Promise<Found | undefined> {
    if (field === "X-Sendfile") return await this.#openPath(value);
    const path = value.replace(/[?#].*$/s, "");
    const folder = this.#options.internal.find(path, head.authority);
    const strip = folder?.strip.replace(/\/+$/, "") ?? "";
    const rest = folder === undefined ? undefined : pathBelow(path, { strip, dotfiles: folder.dotfiles });
    if (folder === undefined || rest === undefined) return undefined;
    const { root, symlinks } = folder;
    return await openBelow({ root: root.replace(/\/+$/, ""), path: rest, symlinks });
  }

  /** Fields are Latin-1, one character a byte of the path; some applications percent-encode it. */
  async #openPath(value: string): Promise<Found | undefined> {
    if (!value.startsWith("/")) return undefined;
    const roots = this.#options.roots();
    const found = await openWithin(Buffer.from(value, "latin1").toString(), roots);
    if (found.kind !== "absent" || !value.includes("%")) return found;
    try {
      return await openWithin(decodeURIComponent(value), roots);
    } catch (error) {
      if (error instanceof URIError) return found;
      throw error;
    }
  }

  #answer(exchange: Exchange, order: Order, found: Found | undefined): void {
    if (found?.kind === "file") this.#send(exchange, order, found.file);
    else if (found === undefined) this.#refuse(exchange, order, "it leads to no folder that is allowed");
    else if (found.kind === "denied") this.#refuse(exchange, order, found.reason);
    else this.#answerMissing(exchange, order);
  }

  #answerMissing(exchange: Exchange, { field, value }: Order): void {
    this.#options.log.warning("a file that the application named does not exist", {
      request: exchange.id,
      target: exchange.head.target,
      [field]: value,
    });
    answerWithPage(exchange.response, 404, {});
  }

  #refuse(exchange: Exchange, { field, value }: Order, reason: string): void {
    const { id, head } = exchange;
    const facts = { request: id, target: head.target, [field]: value, reason };
    this.#options.log.error(`${field} of the application is refused`, facts);
    answerWithPage(exchange.response, 500, {});
  }

  #send(exchange: Exchange, { head, block, value }: Order, opened: OpenFile): void {
    const form = formOf({ head, block, name: value, opened, wallMs: this.#options.wallMs() });
    answerWithFile(exchange, form, this.#terms(exchange, head, block), this.#options);
    form.file?.release(); // what is being sent keeps it open
  }

  /** Conditions are about a 200 response to GET or HEAD (RFC 9110 §13.2.1); ranges only where the application allows them. */
  #terms({ head }: Exchange, { status }: ResponseHead, block: string): RequestTerms | undefined {
    if (status !== 200 || (head.method !== "GET" && head.method !== "HEAD")) return undefined;
    const terms = termsOf(head.fields);
    if (terms !== undefined && blockValue(block, "accept-ranges") === "none") terms.range = undefined;
    return terms;
  }
}

/**
 * The body is a whole file that the application opened, and asked to be sent. It answers conditions and ranges itself if it cares
 * for them; where it says `Accept-Ranges: bytes`, names a validator and still sends everything, they are honoured here. False: they
 * are not asked for, and the response is to be sent as it is. True: the descriptor was taken over.
 */
export function answerInParts(
  exchange: Exchange,
  answer: {
    readonly head: ResponseHead;
    readonly block: string;
    readonly fd: number;
    readonly length: number;
  },
  options: AnswerOptions,
): boolean {
  const { head, block, fd, length } = answer;
  const terms =
    exchange.head.method === "GET" && head.status === 200 ? termsOf(exchange.head.fields) : undefined;
  if (terms === undefined || blockValue(block, "accept-ranges") !== "bytes") return false;
  const validators = validatorsIn(block);
  if (validators === undefined) return false;
  const file = new SharedFile(fd);
  const form = new Representation({
    size: length,
    content: { kind: "file", file },
    validators,
    typeLine: typeLineOf(block),
    lines: withoutFields(block, ["content-length", "content-type"]).slice(0, -2),
    head: { ...head, contentLength: length },
  });
  answerWithFile(exchange, form, terms, options);
  file.release();
  return true;
}

/** The request waits for the disk: its client may leave, and its patience ends. */
class Wait implements ExchangeEvents {
  #state: "waiting" | "over" = "waiting";
  readonly #timer: NodeJS.Timeout;

  constructor(exchange: Exchange, onLate: () => void) {
    exchange.events = this;
    this.#timer = setTimeout(() => {
      this.#state = "over";
      onLate();
    }, OPEN_MS_MAX).unref();
  }

  /** Ends the waiting; true when it had ended before. */
  isOver(): boolean {
    clearTimeout(this.#timer);
    const wasOver = this.#state === "over";
    this.#state = "over";
    return wasOver;
  }

  onAbort(_cause: AbortCause): void {
    this.#state = "over";
  }

  onDrain(): void {
    // nothing was sent yet
  }
}

function orderOf(head: ResponseHead, block: string): Order | undefined {
  const sendfile = blockValue(block, "x-sendfile");
  if (sendfile !== undefined) return { field: "X-Sendfile", value: sendfile, head, block };
  const redirect = blockValue(block, "x-accel-redirect");
  return redirect === undefined ? undefined : { field: "X-Accel-Redirect", value: redirect, head, block };
}

/** What web servers that obey the fields say of whom they speak for; those over Unix sockets and gateway protocols need not. */
function comesByProxy({ peer, head }: Exchange): boolean {
  if (peer.isUnix || head.variables !== undefined) return true;
  const names = ["x-forwarded-for", "x-forwarded-proto", "x-real-ip", "forwarded", "via"];
  return names.some((name) => head.fields.get(name) !== undefined);
}

interface FormOptions {
  readonly head: ResponseHead;
  readonly block: string;
  /** The path as the application wrote it. */
  readonly name: string;
  readonly opened: OpenFile;
  readonly wallMs: number;
}

/** The application's fields are kept; what it did not say is the file's. */
function formOf({ head, block, name, opened: { fd, stat }, wallMs }: FormOptions): Representation {
  const own = validatorsIn(block);
  const validators = own ?? validatorsOf(stat, "", wallMs);
  const kept = withoutFields(block, OWN_FIELDS).slice(0, -2); // without the blank line
  const ranges = blockValue(block, "accept-ranges") === undefined ? "Accept-Ranges: bytes\r\n" : "";
  return new Representation({
    size: stat.size,
    content: { kind: "file", file: new SharedFile(fd) },
    validators,
    typeLine: typeLineOf(block) || `Content-Type: ${contentTypeOf(name)}\r\n`,
    lines: kept + (own === undefined ? validatorLines(validators) : "") + ranges,
    head: { ...head, contentLength: stat.size, noBuffer: false },
  });
}

function typeLineOf(block: string): string {
  const type = blockValue(block, "content-type");
  return type === undefined ? "" : `Content-Type: ${type}\r\n`;
}

/** Undefined when the application names none. A weak tag serves no range (RFC 9110 §13.1.5), and here no condition. */
function validatorsIn(block: string): Validators | undefined {
  const etag = blockValue(block, "etag");
  const lastModified = blockValue(block, "last-modified");
  if (etag === undefined && lastModified === undefined) return undefined;
  return {
    etag: etag?.startsWith('"') === true ? etag : "",
    lastModifiedMs: parseHttpDate(lastModified ?? "") ?? Number.NaN,
  };
}
