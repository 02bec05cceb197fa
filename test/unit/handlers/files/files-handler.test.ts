import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import type { FilesConfig } from "../../../../src/config/route.ts";
import { FilesHandler, filesServices } from "../../../../src/handlers/files/files-handler.ts";
import type { Exchange } from "../../../../src/http/exchange.ts";
import { FakeExchange, type FakeRequest } from "../../../harness/fake-exchange.ts";
import { ManualClock } from "../../../harness/manual-clock.ts";
import { type Owner, temporaryFolder } from "../../../harness/temporary.ts";
import { eventually } from "../../../harness/wait.ts";
import { quietLog } from "./support.ts";

const PLAIN: Omit<FilesConfig, "root"> = {
  strip: "/static",
  index: ["index.html"],
  fallback: "",
  isOptional: false,
  precompressed: true,
  symlinks: "inside",
  dotfiles: false,
  maxAgeSeconds: 60,
  immutableHashed: true,
};

const LARGE_BYTES = 3 * 1024 * 1024 + 17;

class Site {
  readonly root: string;
  readonly clock = new ManualClock();
  readonly log = quietLog();
  readonly passedOn: Exchange[] = [];
  readonly #handler: FilesHandler;

  constructor(owner: Owner, files: Readonly<Record<string, string>>, changes: Partial<FilesConfig> = {}) {
    this.root = join(temporaryFolder(owner, { "public/keep.txt": "", ...prefixed(files) }), "public");
    const services = filesServices(this.log, this.clock);
    const next = { handle: (exchange: Exchange) => this.passedOn.push(exchange) };
    this.#handler = new FilesHandler({ config: { ...PLAIN, root: this.root, ...changes }, services, next });
  }

  path(name: string): string {
    return join(this.root, name);
  }

  send(target: string, request: FakeRequest = {}): FakeExchange {
    const exchange = new FakeExchange({ target, ...request });
    this.#handler.handle(exchange);
    return exchange;
  }

  /** The answer, its body taken as fast as it comes. */
  async get(target: string, ...fields: string[]): Promise<FakeExchange> {
    return await this.ask(target, { fields });
  }

  async ask(target: string, request: FakeRequest): Promise<FakeExchange> {
    const exchange = new FakeExchange({ target, ...request });
    const write = exchange.write.bind(exchange);
    exchange.write = (bytes) => {
      write(bytes);
      setImmediate(() => exchange.events?.onDrain(bytes.length));
    };
    this.#handler.handle(exchange);
    await exchange.ended;
    return exchange;
  }

  /** Descriptors of files below the folder that this process has open. */
  openFiles(): string[] {
    return readdirSync("/proc/self/fd").flatMap((fd) => {
      try {
        const path = readlinkSync(`/proc/self/fd/${fd}`);
        return path.startsWith(this.root) ? [path] : [];
      } catch {
        return []; // the one that read the folder
      }
    });
  }
}

function prefixed(files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`public/${name}`, text]));
}

function field(exchange: FakeExchange, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)\r$`, "im").exec(exchange.block)?.[1];
}

function large(): string {
  return Array.from({ length: Math.ceil(LARGE_BYTES / 8) }, (_, n) => n.toString(36).padStart(8, "."))
    .join("")
    .slice(0, LARGE_BYTES);
}

describe("files handler", () => {
  it("sends a file with its type, length, validators and lifetime", async (t) => {
    const site = new Site(t, { "css/app.css": "body {}" });
    utimesSync(site.path("css/app.css"), 784_111_777, 784_111_777);
    const answer = await site.get("/static/css/app.css?v=1");
    assert.equal(answer.status, 200);
    assert.equal(answer.text, "body {}");
    assert.equal(field(answer, "Content-Type"), "text/css; charset=utf-8");
    assert.equal(field(answer, "Content-Length"), "7");
    assert.equal(field(answer, "Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert.match(field(answer, "ETag") ?? "", /^"[^"]+"$/);
    assert.equal(field(answer, "Cache-Control"), "max-age=60");
    assert.equal(field(answer, "Accept-Ranges"), "bytes");
    assert.equal(field(answer, "X-Content-Type-Options"), "nosniff");
    assert.equal(field(answer, "Vary"), undefined);
  });

  it("answers again at once, in the same turn", async (t) => {
    const site = new Site(t, { "a.txt": "hello" });
    await site.get("/static/a.txt");
    const again = site.send("/static/a.txt");
    assert.equal(again.text, "hello");
    assert.equal(site.send("/static/%61.txt").text, "hello");
  });

  it("answers HEAD as GET without the body", async (t) => {
    const site = new Site(t, { "a.txt": "hello", "b.bin": large() });
    for (const name of ["a.txt", "b.bin"]) {
      const answer = await site.ask(`/static/${name}`, { method: "HEAD", fields: ["Range", "bytes=0-1"] });
      assert.equal(answer.status, 200);
      assert.equal(answer.text, "");
      assert.equal(field(answer, "Content-Length"), name === "a.txt" ? "5" : String(LARGE_BYTES));
    }
  });

  it("allows no other method", async (t) => {
    const site = new Site(t, { "a.txt": "hello" });
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      const answer = site.send("/static/a.txt", { method });
      assert.equal(answer.status, 405);
      assert.equal(field(answer, "Allow"), "GET, HEAD");
    }
  });

  it("sends large files from their descriptor, whole and in part, and shares it", async (t) => {
    const text = large();
    const site = new Site(t, { "big.bin": text });
    const [whole, again] = await Promise.all([site.get("/static/big.bin"), site.get("/static/big.bin")]);
    assert.ok(whole.text === text && again.text === text);
    const part = await site.get("/static/big.bin", "Range", "bytes=1000000-2999999");
    assert.equal(part.status, 206);
    assert.ok(part.text === text.slice(1_000_000, 3_000_000));
    const parts = await site.get("/static/big.bin", "Range", "bytes=0-2,1048570-1048580,-3");
    assert.equal(Number(field(parts, "Content-Length")), parts.text.length);
    assert.match(field(parts, "Content-Type") ?? "", /^multipart\/byteranges; boundary=/);
    assert.ok(
      parts.text.includes(`bytes 1048570-1048580/${LARGE_BYTES}\r\n\r\n${text.slice(1048570, 1048581)}\r\n`),
    );
    assert.equal(site.openFiles().length, 1);
  });

  it("sends parts of small files, and refuses parts that lie beyond", async (t) => {
    const site = new Site(t, { "a.txt": "0123456789" });
    const part = await site.get("/static/a.txt", "Range", "bytes=2-4");
    assert.equal(part.status, 206);
    assert.equal(part.text, "234");
    assert.equal(field(part, "Content-Range"), "bytes 2-4/10");
    assert.equal(field(part, "Content-Length"), "3");
    const parts = await site.get("/static/a.txt", "Range", "bytes=0-0,9-");
    assert.match(parts.text, /Content-Range: bytes 0-0\/10\r\n\r\n0\r\n--/);
    assert.match(parts.text, /Content-Range: bytes 9-9\/10\r\n\r\n9\r\n--\w+--\r\n$/);
    assert.equal(Number(field(parts, "Content-Length")), parts.text.length);
    const beyond = await site.get("/static/a.txt", "Range", "bytes=10-");
    assert.equal(beyond.status, 416);
    assert.equal(field(beyond, "Content-Range"), "bytes */10");
  });

  it("answers 304 to who has the file, 412 to who expects another", async (t) => {
    const site = new Site(t, { "a.txt": "hello" });
    const etag = field(await site.get("/static/a.txt"), "ETag") ?? "";
    const known = await site.get("/static/a.txt", "If-None-Match", etag);
    assert.equal(known.status, 304);
    assert.equal(known.text, "");
    assert.equal(field(known, "ETag"), etag);
    assert.equal(field(known, "Cache-Control"), "max-age=60");
    assert.equal(field(known, "Content-Length"), undefined);
    assert.equal((await site.get("/static/a.txt", "If-Match", '"other"')).status, 412);
    assert.equal((await site.get("/static/a.txt", "If-Range", etag, "Range", "bytes=0-0")).status, 206);
    assert.equal((await site.get("/static/a.txt", "If-Range", '"old"', "Range", "bytes=0-0")).text, "hello");
  });

  it("sees within a second that a file was replaced, and gives it another ETag", async (t) => {
    const site = new Site(t, { "a.txt": "old", "new.txt": "new" });
    const old = await site.get("/static/a.txt");
    renameSync(site.path("new.txt"), site.path("a.txt"));
    site.clock.advance(999);
    assert.equal((await site.get("/static/a.txt")).text, "old");
    site.clock.advance(1);
    const replaced = await site.get("/static/a.txt");
    assert.equal(replaced.text, "new");
    assert.notEqual(field(replaced, "ETag"), field(old, "ETag"));
    rmSync(site.path("a.txt"));
    site.clock.advance(1_000);
    assert.equal((await site.get("/static/a.txt")).status, 404);
    writeFileSync(site.path("a.txt"), "back");
    site.clock.advance(1_000);
    assert.equal((await site.get("/static/a.txt")).text, "back");
  });

  it("finishes a large file that is replaced while it is sent, and closes it then", async (t) => {
    const text = large();
    const site = new Site(t, { "big.bin": text, "new.bin": "new" });
    const slow = site.send("/static/big.bin");
    await eventually(2_000, "the first bytes", () => slow.text !== "");
    renameSync(site.path("new.bin"), site.path("big.bin"));
    site.clock.advance(1_000);
    assert.equal((await site.get("/static/big.bin")).text, "new");
    let taken = 0;
    await eventually(5_000, "the whole file", () => {
      slow.events?.onDrain(slow.text.length - taken);
      taken = slow.text.length;
      return taken === LARGE_BYTES;
    });
    assert.ok(slow.text === text);
    await eventually(2_000, "the old file is closed", () => site.openFiles().length === 0);
  });

  it("waits for the client before it reads on, and closes the file when the client leaves", async (t) => {
    const site = new Site(t, { "big.bin": large() });
    const slow = site.send("/static/big.bin");
    await eventually(2_000, "the first bytes", () => slow.text.length >= 262_144);
    assert.ok(slow.text.length < LARGE_BYTES / 2);
    rmSync(site.path("big.bin"));
    site.clock.advance(1_000);
    assert.equal((await site.get("/static/big.bin")).status, 404);
    slow.events?.onAbort("client-left");
    await eventually(2_000, "the file is closed", () => site.openFiles().length === 0);
  });

  it("breaks off a response whose file has become shorter", async (t) => {
    const site = new Site(t, { "big.bin": large() });
    const slow = site.send("/static/big.bin");
    await eventually(2_000, "the first bytes", () => slow.text.length >= 262_144);
    truncateSync(site.path("big.bin"), 300_000);
    const drain = setInterval(() => slow.events?.onDrain(262_144), 1);
    t.after(() => clearInterval(drain));
    assert.equal(await slow.ended, -1);
    assert.match(slow.aborted, /shorter/);
    assert.match(site.log.text, /became shorter/);
  });

  it("shows a folder's index, and sends who forgot the slash to it", async (t) => {
    const site = new Site(t, { "index.html": "home", "docs/index.html": "docs", "empty/x.txt": "" });
    assert.equal((await site.get("/static/")).text, "home");
    assert.equal((await site.get("/static/docs/")).text, "docs");
    const moved = await site.get("/static/docs?a=1");
    assert.equal(moved.status, 301);
    assert.equal(field(moved, "Location"), "./docs/?a=1");
    assert.equal(field(await site.get("/static"), "Location"), "./static/");
    assert.equal((await site.get("/static/empty/")).status, 404);
    assert.equal((await site.get("/static/empty")).status, 404);
    assert.equal((await site.get("/static/index.html/")).status, 404);
    assert.equal((await site.get("/static/index.html/x")).status, 404);
  });

  it("sends a compressed sibling to who accepts it, with its own ETag", async (t) => {
    const site = new Site(t, { "app.js": "let a;" });
    writeFileSync(site.path("app.js.gz"), gzipSync("let a;"));
    const plain = await site.get("/static/app.js");
    const packed = await site.get("/static/app.js", "Accept-Encoding", "br, gzip");
    assert.equal(field(packed, "Content-Encoding"), "gzip");
    assert.equal(field(packed, "Content-Type"), "text/javascript; charset=utf-8");
    assert.equal(gunzipSync(Buffer.from(packed.text, "latin1")).toString(), "let a;");
    assert.equal(plain.text, "let a;");
    for (const answer of [plain, packed]) assert.equal(field(answer, "Vary"), "Accept-Encoding");
    assert.notEqual(field(plain, "ETag"), field(packed, "ETag"));
    const etag = field(packed, "ETag") ?? "";
    const fields = ["Accept-Encoding", "gzip", "If-None-Match", etag];
    assert.equal((await site.get("/static/app.js", ...fields)).status, 304);
    assert.equal((await site.get("/static/app.js", "If-None-Match", etag)).status, 200);
  });

  it("takes parts from the plain file, unless If-Range names the compressed one", async (t) => {
    const site = new Site(t, { "a.js": "0123456789" });
    const packed = gzipSync("0123456789");
    writeFileSync(site.path("a.js.gz"), packed);
    const etag = field(await site.get("/static/a.js", "Accept-Encoding", "gzip"), "ETag") ?? "";
    const plain = await site.get("/static/a.js", "Accept-Encoding", "gzip", "Range", "bytes=1-2");
    assert.equal(plain.text, "12");
    assert.equal(field(plain, "Content-Encoding"), undefined);
    const fields = ["Accept-Encoding", "gzip", "Range", "bytes=1-2", "If-Range", etag];
    const part = await site.get("/static/a.js", ...fields);
    assert.equal(part.status, 206);
    assert.equal(field(part, "Content-Encoding"), "gzip");
    assert.equal(field(part, "Content-Range"), `bytes 1-2/${packed.length}`);
  });

  it("lets clients keep files with a hash in their name for ever", async (t) => {
    const site = new Site(t, { "app.3f9a2b1c.js": "x" });
    const answer = await site.get("/static/app.3f9a2b1c.js");
    assert.equal(field(answer, "Cache-Control"), "max-age=31536000, immutable");
  });

  it("sends the page of a single page application for what does not exist, to be asked for anew each time", async (t) => {
    const site = new Site(t, { "index.html": "spa", "app.js": "x" }, { strip: "", fallback: "index.html" });
    const deep = await site.get("/users/7");
    assert.equal(deep.status, 200);
    assert.equal(deep.text, "spa");
    assert.equal(field(deep, "Cache-Control"), "no-cache");
    assert.equal((await site.get("/app.js")).text, "x");
    assert.equal((await site.get("/missing.js")).status, 404);
    assert.equal((await site.get("/a.b", "Accept", "text/html,*/*")).text, "spa");
    assert.equal((await site.get("/..%2f..%2fetc/passwd")).text, "spa");
  });

  it("lets what is not there go on when it is optional", async (t) => {
    const site = new Site(t, { "a.txt": "hello" }, { strip: "", isOptional: true });
    assert.equal((await site.get("/a.txt")).text, "hello");
    const missing = site.send("/nope");
    await eventually(2_000, "the next handler", () => site.passedOn.length === 1);
    assert.equal(missing.events, undefined);
    site.send("/nope");
    assert.equal(site.passedOn.length, 2, "known to be missing: at once");
    site.send("/a.txt", { method: "POST" });
    site.send("/a%2fb");
    assert.equal(site.passedOn.length, 4);
  });

  it("follows links inside of the folder only, all, or none, as it is told", async (t) => {
    const files = { "real/a.txt": "inside", "../outside.txt": "outside" };
    for (const [symlinks, inside, outside, folder] of [
      ["inside", 200, 403, 200],
      ["follow", 200, 200, 200],
      ["deny", 403, 403, 403],
    ] as const) {
      const site = new Site(t, files, { symlinks });
      symlinkSync("real/a.txt", site.path("in.txt"));
      symlinkSync("../outside.txt", site.path("out.txt"));
      symlinkSync("real", site.path("linked"));
      symlinkSync("loop", site.path("loop"));
      assert.equal((await site.get("/static/in.txt")).status, inside, symlinks);
      assert.equal((await site.get("/static/out.txt")).status, outside, symlinks);
      assert.equal((await site.get("/static/linked/a.txt")).status, folder, symlinks);
      assert.equal((await site.get("/static/real/a.txt")).status, 200, symlinks);
      assert.equal((await site.get("/static/loop")).status, 403, symlinks);
    }
  });

  it("never leaves the folder while somebody swaps a folder for a link to secrets", async (t) => {
    const site = new Site(t, { "d/f.txt": "public", "../secret/f.txt": "secret" });
    symlinkSync("../secret", site.path("evil"));
    const seen = new Set<string>();
    for (let round = 0; round < 200; round++) {
      const answers = [1, 2, 3].map((n) => site.get(`/static/d/f.txt?${round}-${n}`));
      renameSync(site.path("d"), site.path("kept"));
      renameSync(site.path("evil"), site.path("d"));
      await new Promise(setImmediate);
      renameSync(site.path("d"), site.path("evil"));
      renameSync(site.path("kept"), site.path("d"));
      for (const answer of await Promise.all(answers)) seen.add(answer.status === 200 ? answer.text : "");
      site.clock.advance(1_000);
    }
    assert.ok(!seen.has("secret"));
  });

  it("neither opens nor waits for what is no file", { timeout: 5_000 }, async (t) => {
    const site = new Site(t, {});
    execFileSync("mkfifo", [site.path("pipe")]);
    symlinkSync("/dev/zero", site.path("zero"));
    for (const name of ["pipe", "zero"]) assert.equal((await site.get(`/static/${name}`)).status, 403);
  });

  it("answers 404 while the folder is gone, and serves again when it is back", async (t) => {
    const site = new Site(t, { "a.txt": "hello" });
    renameSync(site.root, `${site.root}-away`);
    assert.equal((await site.get("/static/a.txt")).status, 404);
    renameSync(`${site.root}-away`, site.root);
    site.clock.advance(1_000);
    assert.equal((await site.get("/static/a.txt")).text, "hello");
  });

  it("gives nothing to a client that left while its file was looked up", async (t) => {
    const site = new Site(t, { "a.txt": "hello" });
    const left = site.send("/static/a.txt");
    left.events?.onAbort("client-left");
    await site.get("/static/a.txt");
    assert.equal(left.status, 0);
  });

  it("serves an empty file", async (t) => {
    const site = new Site(t, { "a.txt": "" });
    mkdirSync(site.path("b"));
    const answer = await site.get("/static/a.txt", "Range", "bytes=0-");
    assert.equal(answer.status, 200);
    assert.equal(field(answer, "Content-Length"), "0");
  });

  it("says at the start that its folder is not there", async (t) => {
    const site = new Site(t, {}, { root: "/nowhere-at-all" });
    await eventually(2_000, "a line", () => /not there.*nowhere-at-all.*ENOENT/.test(site.log.text));
    assert.equal((await site.get("/static/a.txt")).status, 404);
  });
});
