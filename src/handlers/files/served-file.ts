// A file with its compressed siblings, as one mount sends it. Forms are loaded when somebody first wants them.

import type { CodingChoice } from "../../http/accept-encoding.ts";
import { type Coding, choiceAmong } from "./codings.ts";
import { closeDescriptor, type FileStat, type OpenFile, readFully, statOf } from "./descriptor.ts";
import type { Cached } from "./file-cache.ts";
import { type Content, Representation, validatorLines, validatorsOf } from "./representation.ts";
import { openBelow, type Place } from "./safe-open.ts";
import { SharedFile } from "./shared-file.ts";

/** Larger files are read while they are sent. */
const MEMORY_FILE_BYTES_MAX: number = 1_048_576;
/** Somebody may be writing it just now. */
const READ_TRIES = 3;

/** What is there beside the file, and what it looked like. */
export interface Sibling {
  readonly coding: Coding;
  /** `/folder/name.br`. */
  readonly path: string;
}

export interface ServedFileOptions {
  readonly place: Place;
  readonly siblings: readonly Sibling[];
  readonly contentType: string;
  /** "" for none. */
  readonly cacheControl: string;
  readonly wallMs: () => number;
}

export class ServedFile implements Cached {
  readonly siblings: readonly Sibling[];
  readonly choice: CodingChoice<Coding>;
  /** Told when it has come to hold more. */
  onGrown: (() => void) | undefined = undefined;
  readonly #options: ServedFileOptions;
  readonly #forms = new Map<Coding | "", Representation>();
  readonly #loading = new Map<Coding, Promise<Representation | undefined>>();
  #plain: Representation | undefined;
  #isReleased = false;

  constructor(options: ServedFileOptions) {
    this.siblings = options.siblings;
    this.choice = choiceAmong(options.siblings.map(({ coding }) => coding));
    this.#options = options;
  }

  get bytes(): number {
    return [...this.#forms.values()].reduce((sum, form) => sum + form.bytes.length, 0);
  }

  get descriptors(): number {
    return [...this.#forms.values()].filter(({ file }) => file !== undefined).length;
  }

  /** The file as it is; it was loaded first. */
  get plain(): Representation | undefined {
    return this.#plain;
  }

  form(coding: Coding): Representation | undefined {
    return this.#forms.get(coding);
  }

  /** Takes the open file over. */
  async loadPlain(file: OpenFile): Promise<void> {
    this.#plain = await this.#load("", file);
  }

  /** Undefined when the sibling is gone, or must not be sent. */
  loadSibling(sibling: Sibling): Promise<Representation | undefined> {
    const begun = this.#loading.get(sibling.coding);
    if (begun !== undefined) return begun;
    const loading = this.#openSibling(sibling).finally(() => this.#loading.delete(sibling.coding));
    this.#loading.set(sibling.coding, loading);
    return loading;
  }

  async #openSibling({ coding, path }: Sibling): Promise<Representation | undefined> {
    const found = await openBelow({ ...this.#options.place, path });
    return found.kind === "file" ? await this.#load(coding, found.file) : undefined;
  }

  async #load(coding: Coding | "", file: OpenFile): Promise<Representation> {
    const { content, stat } = await contentOf(file);
    const { contentType, cacheControl, wallMs } = this.#options;
    const validators = validatorsOf(stat, coding === "" ? "" : `-${coding}`, wallMs());
    const lines = [
      coding === "" ? "" : `Content-Encoding: ${coding}\r\n`,
      this.siblings.length === 0 ? "" : "Vary: Accept-Encoding\r\n",
      cacheControl === "" ? "" : `Cache-Control: ${cacheControl}\r\n`,
      validatorLines(validators),
      "Accept-Ranges: bytes\r\nX-Content-Type-Options: nosniff\r\n",
    ].join("");
    const typeLine = `Content-Type: ${contentType}\r\n`;
    const form = new Representation({ size: stat.size, content, validators, typeLine, lines });
    this.#keep(coding, form);
    return form;
  }

  #keep(coding: Coding | "", form: Representation): void {
    if (this.#isReleased) {
      form.file?.release(); // who waits for it still gets it
      return;
    }
    this.#forms.set(coding, form);
    this.onGrown?.();
  }

  release(): void {
    this.#isReleased = true;
    for (const { file } of this.#forms.values()) file?.release();
    this.#forms.clear();
  }
}

/** A file that is written to while it is read is sent from its descriptor: what was read of it may never have been one content. */
async function contentOf(file: OpenFile): Promise<{ content: Content; stat: FileStat }> {
  try {
    const { bytes, stat } = await steadyBytes(file);
    if (bytes === undefined) return { content: { kind: "file", file: new SharedFile(file.fd) }, stat };
    closeDescriptor(file.fd);
    return { content: { kind: "memory", bytes }, stat };
  } catch (error) {
    closeDescriptor(file.fd);
    throw error;
  }
}

/** No bytes when there are too many, or they do not stay the same. */
async function steadyBytes({
  fd,
  stat: first,
}: OpenFile): Promise<{ bytes: Buffer | undefined; stat: FileStat }> {
  let stat = first;
  for (let tries = 0; tries < READ_TRIES && stat.size <= MEMORY_FILE_BYTES_MAX; tries++) {
    const bytes = await readFully(fd, 0, stat.size);
    const after = (await statOf(fd)) ?? stat;
    if (after.identity === stat.identity && bytes.length === stat.size) return { bytes, stat };
    stat = after;
  }
  return { bytes: undefined, stat };
}
