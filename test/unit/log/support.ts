// Stands for the disk and the world of the logs' tests.

import type { ExchangeNotes, Peer, RequestHead } from "../../../src/http/exchange.ts";
import { Fields } from "../../../src/http/fields.ts";
import type { AccessRecord } from "../../../src/log/access-record.ts";
import type { LogFiles } from "../../../src/log/log-file.ts";

export const PEER: Peer = {
  remoteAddress: "10.1.2.3",
  remotePort: 4711,
  localAddress: "127.0.0.1",
  localPort: 8000,
  isUnix: false,
  isTls: false,
  tls: undefined,
  listener: "",
  memo: undefined,
};

const NOTES: ExchangeNotes = {
  workerPid: 99,
  queueMs: 0.25,
  appMicros: 1500,
  retries: 0,
  clientAddress: "",
  scheme: "http",
};

export function headOf(changes: Partial<RequestHead> = {}): RequestHead {
  return {
    method: "GET",
    target: "/a%20b?x=1",
    path: "/a%20b",
    query: "x=1",
    version: "1.1",
    authority: "example.org",
    fields: new Fields(["Host", "example.org", "User-Agent", "curl/8", "Referer", "http://r/"]),
    bodyLength: 0,
    variables: undefined,
    ...changes,
  };
}

type Changes = Partial<Omit<AccessRecord, "notes">> & { readonly notes?: Partial<ExchangeNotes> };

export function recordOf(changes: Changes = {}): AccessRecord {
  return {
    id: 7,
    head: headOf(),
    requestLine: "",
    peer: PEER,
    status: 200,
    bodyBytes: 5,
    requestBytes: 40,
    responseBlock: "Content-Type: text/plain\r\nX-Request-Id: abc\r\n\r\n",
    abortCause: undefined,
    startedAtUnixMs: Date.UTC(2026, 10, 21, 8, 6, 0),
    elapsedMs: 12.3456,
    ...changes,
    notes: { ...NOTES, ...changes.notes },
  };
}

/** Files in memory whose writes can be made to fail, to be short, or to wait. */
export class FakeFiles implements LogFiles {
  readonly contents: Map<string, string> = new Map();
  readonly #open = new Map<number, string>([
    [1, "stdout"],
    [2, "stderr"],
  ]);
  #nextFd = 10;
  /** Code of the error of each write, until it is unset. */
  failure: string | undefined;
  /** Most bytes that one write takes. */
  bytesMax: number = Number.MAX_SAFE_INTEGER;
  /** Writes in the background that were asked for. */
  writes = 0;
  /** Set: background writes wait until it is called. */
  waiting: (() => void)[] | undefined;

  open(path: string): number {
    if (path.includes("forbidden")) throw coded("EACCES");
    this.#nextFd += 1;
    this.#open.set(this.#nextFd, path);
    if (!this.contents.has(path)) this.contents.set(path, "");
    return this.#nextFd;
  }

  close(fd: number): void {
    if (!this.#open.delete(fd)) throw coded("EBADF");
  }

  writeSync(fd: number, bytes: Uint8Array, offset: number): number {
    if (this.failure !== undefined) throw coded(this.failure);
    const path = this.#open.get(fd);
    if (path === undefined) throw coded("EBADF");
    const taken = Buffer.from(bytes.subarray(offset, offset + this.bytesMax));
    this.contents.set(path, (this.contents.get(path) ?? "") + taken.toString());
    return taken.length;
  }

  write(
    fd: number,
    bytes: Uint8Array,
    offset: number,
    done: (error: NodeJS.ErrnoException | null, written: number) => void,
  ): void {
    this.writes += 1;
    const perform = (): void => {
      try {
        done(null, this.writeSync(fd, bytes, offset));
      } catch (error) {
        done(error as NodeJS.ErrnoException, 0); // only coded errors are thrown above
      }
    };
    if (this.waiting === undefined) setImmediate(perform);
    else this.waiting.push(perform);
  }

  textOf(path: string): string {
    return this.contents.get(path) ?? "";
  }

  /** The path names a new file from now on. */
  rotate(path: string): void {
    this.contents.set(`${path}.1`, this.textOf(path));
    this.contents.delete(path);
    for (const [fd, open] of this.#open) if (open === path) this.#open.set(fd, `${path}.1`);
  }

  get openFiles(): number {
    return this.#open.size - 2;
  }
}

function coded(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}
