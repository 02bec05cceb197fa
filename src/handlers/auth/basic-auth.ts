// Basic authentication (RFC 7617) for routes: a name and a password for each request, compared with a file of users. A password
// that was right once is known by an HMAC from then on, so that only first requests pay for its hash.

import { createHmac, randomBytes } from "node:crypto";
import type { RoutePolicy } from "../../config/route.ts";
import type { Exchange, ExchangeEvents } from "../../http/exchange.ts";
import type { RouteFacts } from "../../http/route-facts.ts";
import type { Log } from "../../log/log.ts";
import { answerWithPage } from "../error-page.ts";
import type { AddressOf } from "../routing/client-address.ts";
import type { Authenticate } from "../routing/route-handler.ts";
import { Failures } from "./failures.ts";
import { Passwords, type Verdict } from "./passwords.ts";
import { UsersFile } from "./users-file.ts";

/** Right passwords that are remembered; beyond, the oldest is forgotten. */
const KNOWN_MAX = 10_000;
/** Longer ones are no credentials. */
const CREDENTIALS_CHARS_MAX = 2_048;

interface Known {
  readonly name: string;
  /** It stops to count when the file says another one. */
  readonly hash: string;
  /** What a route says → the same with the user. The same object each time: environ and scope are kept by it. */
  readonly facts: WeakMap<RouteFacts, RouteFacts>;
}

interface Credentials {
  readonly name: string;
  readonly password: string;
}

export interface BasicAuthOptions {
  readonly log: Log;
  readonly nowMs: () => number;
}

/** For all routes of a front. */
export class BasicAuth {
  readonly #options: BasicAuthOptions;
  readonly #key = randomBytes(32);
  readonly #files = new Map<string, UsersFile>();
  readonly #known = new Map<string, Known>();
  /** Comparisons under way, by what is compared, and who waits for each. */
  readonly #asked = new Map<string, ((verdict: Verdict) => void)[]>();
  readonly #failures = new Failures();
  readonly #passwords: Passwords;

  constructor(options: BasicAuthOptions) {
    this.#options = options;
    this.#passwords = new Passwords((reason) =>
      options.log.error("the thread for passwords failed and will be replaced", { reason }),
    );
  }

  /** For one route. */
  authenticate(
    { realm, usersFile }: NonNullable<RoutePolicy["basicAuth"]>,
    addressOf: AddressOf,
  ): Authenticate {
    const { log, nowMs } = this.#options;
    const file = this.#files.get(usersFile) ?? new UsersFile(usersFile, log, nowMs);
    this.#files.set(usersFile, file);
    const challenge = `WWW-Authenticate: Basic realm="${quoted(realm)}", charset="UTF-8"\r\n`;
    return (exchange, facts, go) => this.#judge({ exchange, facts, go, file, challenge, addressOf });
  }

  async close(): Promise<void> {
    await this.#passwords.close();
  }

  #judge(request: Request): void {
    const field = request.exchange.head.fields.get("authorization");
    const { users } = request.file;
    if (field === undefined) this.#challenge(request);
    else if (users === undefined) this.#judgeLater(request, field);
    else this.#judgeField(request, field, users.hashes);
  }

  #judgeLater(request: Request, field: string): void {
    const pending = new Pending(request.exchange);
    void request.file.refresh().then(() => {
      if (pending.isGone) return;
      const { users } = request.file;
      if (users === undefined) answerWithPage(request.exchange.response, 503, {});
      else this.#judgeField(request, field, users.hashes);
    });
  }

  #judgeField(request: Request, field: string, hashes: ReadonlyMap<string, string>): void {
    const key = this.#keyOf(request.file.path, field);
    const known = this.#known.get(key);
    if (known !== undefined && hashes.get(known.name) === known.hash) {
      request.go(factsFor(known, request.facts));
      return;
    }
    const credentials = readCredentials(field);
    if (credentials === undefined) this.#challenge(request);
    else this.#compare(request, key, credentials, hashes);
  }

  #keyOf(file: string, field: string): string {
    return createHmac("sha256", this.#key).update(file).update("\0").update(field).digest("latin1");
  }

  #compare(
    request: Request,
    key: string,
    { name, password }: Credentials,
    hashes: ReadonlyMap<string, string>,
  ): void {
    const { exchange } = request;
    const address = request.addressOf(exchange);
    const waitSeconds = this.#failures.waitSeconds(address, this.#options.nowMs());
    if (waitSeconds > 0) {
      answerWithPage(exchange.response, 429, { lines: `Retry-After: ${waitSeconds}\r\n` });
      return;
    }
    const [anyHash = ""] = hashes.values();
    const own = hashes.get(name);
    const pending = new Pending(exchange);
    // Nobody can tell by the time that passes whether there is such a user.
    this.#ask(key, password, own ?? anyHash, (verdict) => {
      const isUser = own !== undefined && verdict === "right";
      if (isUser) this.#remember(key, { name, hash: own, facts: new WeakMap() });
      if (verdict === "wrong" || (verdict === "right" && !isUser)) this.#noteFailure(address);
      if (!pending.isGone) this.#answer(request, key, verdict);
    });
  }

  /** The same question is asked once, however many requests wait for its answer. */
  #ask(key: string, password: string, hash: string, answer: (verdict: Verdict) => void): void {
    const waiting = this.#asked.get(key);
    if (waiting !== undefined) {
      waiting.push(answer);
      return;
    }
    const answers = [answer];
    this.#asked.set(key, answers);
    const settle = (verdict: Verdict): void => {
      this.#asked.delete(key);
      for (const one of answers) one(verdict);
    };
    if (hash === "") queueMicrotask(() => settle("wrong"));
    else this.#passwords.compare(password, hash, settle);
  }

  #remember(key: string, known: Known): void {
    if (this.#known.has(key)) return;
    this.#known.set(key, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  #noteFailure(address: string): void {
    const isTooMany = this.#failures.note(address, this.#options.nowMs());
    if (isTooMany)
      this.#options.log.warning("too many wrong passwords: refused for a minute", { client: address });
  }

  #answer(request: Request, key: string, verdict: Verdict): void {
    const known = this.#known.get(key);
    if (verdict === "right" && known !== undefined) request.go(factsFor(known, request.facts));
    else if (verdict === "wrong" || verdict === "right") this.#challenge(request);
    else answerWithPage(request.exchange.response, 503, { lines: "Retry-After: 1\r\n" });
  }

  #challenge({ exchange, challenge }: Request): void {
    answerWithPage(exchange.response, 401, { lines: challenge });
  }
}

interface Request {
  readonly exchange: Exchange;
  readonly facts: RouteFacts;
  readonly go: (facts: RouteFacts) => void;
  readonly file: UsersFile;
  readonly challenge: string;
  /** Of the client, after the trust rules. */
  readonly addressOf: AddressOf;
}

/** An exchange that waits: its client may leave meanwhile. */
class Pending implements ExchangeEvents {
  isGone = false;

  constructor(exchange: Exchange) {
    exchange.events = this;
  }

  onAbort(): void {
    this.isGone = true;
  }

  onDrain(): void {
    // Nothing was sent.
  }
}

function factsFor({ name, facts: all }: Known, facts: RouteFacts): RouteFacts {
  const known = all.get(facts);
  if (known !== undefined) return known;
  const own = { ...facts, user: name };
  all.set(facts, own);
  return own;
}

const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i;

/** RFC 7617 §2: the name has no colon, and neither has control characters. */
function readCredentials(field: string): Credentials | undefined {
  if (field.length > CREDENTIALS_CHARS_MAX) return undefined;
  const encoded = BASIC.exec(field)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: just these cannot be in it
  if (colon < 1 || /[\x00-\x1f\x7f]/.test(text)) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** RFC 9110 §5.6.4. */
function quoted(text: string): string {
  return text.replace(/["\\]/g, "\\$&");
}
