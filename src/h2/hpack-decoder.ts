// Header blocks → fields (RFC 7541). One decoder for each connection: what one block puts into the dynamic table, the next may name.
// Whatever a block claims to hold, no more than a list of the allowed size is made of it; the rest is read only to stay in step.

import { STATIC_FIELDS } from "./hpack-tables.ts";
import { decodeHuffman } from "./huffman.ts";

/** What we tell clients (SETTINGS_HEADER_TABLE_SIZE): the default. */
export const TABLE_BYTES_MAX = 4_096;
/** What an entry counts beside its name and value (RFC 7541 §4.1). */
export const ENTRY_BYTES = 32;
const STATIC_COUNT = STATIC_FIELDS.length;
/** As many entries as can be: a power of two. */
const RING = TABLE_BYTES_MAX / ENTRY_BYTES;
/** Integers beyond this are an attack: nothing here has so many bytes or entries. */
const INTEGER_MAX = 0x0fff_ffff;

const NAME = /^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** No control character but HTAB (RFC 9113 §8.2.1 forbids NUL, CR, LF; RFC 9110 §5.5 the others), no blank at either end. */
const VALUE = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/;

export class HpackDecoder {
  /** name, value, …: of the last block, in order. */
  flat: string[] = [];
  /** Bytes of the last block's list, as SETTINGS_MAX_HEADER_LIST_SIZE counts, also beyond the limit. */
  listBytes = 0;
  /** A name or a value of the last block holds what it may not. */
  isMalformed = false;
  /** Changes whenever the dynamic table or its size does: the same bytes mean the same only while it has not. */
  tableVersion = 0;

  readonly #listBytesMax: number;
  readonly #names: string[] = new Array<string>(RING).fill("");
  readonly #values: string[] = new Array<string>(RING).fill("");
  readonly #areMalformed: boolean[] = new Array<boolean>(RING).fill(false);
  /** Where the newest entry is. */
  #newest = 0;
  #count = 0;
  #tableBytes = 0;
  #tableBytesMax = TABLE_BYTES_MAX;

  #bytes: Buffer = EMPTY;
  #at = 0;
  #to = 0;
  #isFaulty = false;

  constructor(listBytesMax: number) {
    this.#listBytesMax = listBytesMax;
  }

  get isTooLarge(): boolean {
    return this.listBytes > this.#listBytesMax;
  }

  /** A whole block. False: it is no header block, and the connection cannot be read any further (COMPRESSION_ERROR). */
  decode(bytes: Buffer): boolean {
    this.flat = [];
    this.listBytes = 0;
    this.isMalformed = false;
    this.#bytes = bytes;
    this.#at = 0;
    this.#to = bytes.length;
    this.#isFaulty = false;
    this.#readSizeUpdates();
    while (this.#at < this.#to && !this.#isFaulty) this.#readField();
    this.#bytes = EMPTY;
    return !this.#isFaulty;
  }

  /** RFC 7541 §4.2: only at the beginning of a block, and never beyond what was allowed. */
  #readSizeUpdates(): void {
    while (this.#at < this.#to && ((this.#bytes[this.#at] as number) & 0xe0) === 0x20) {
      const bytes = this.#integer(0x1f);
      if (bytes > TABLE_BYTES_MAX) this.#isFaulty = true;
      if (this.#isFaulty) return;
      if (bytes !== this.#tableBytesMax) this.tableVersion++;
      this.#tableBytesMax = bytes;
      this.#evict(0);
    }
  }

  /** RFC 7541 §6: the first bits tell the kind. */
  #readField(): void {
    const first = this.#bytes[this.#at] as number; // the caller looked
    if ((first & 0x80) !== 0) this.#readIndexed();
    else if ((first & 0x40) !== 0) this.#readLiteral(0x3f, true);
    else if ((first & 0x20) !== 0)
      this.#isFaulty = true; // a size update behind a field
    else this.#readLiteral(0x0f, false);
  }

  #readIndexed(): void {
    const index = this.#integer(0x7f);
    if (index >= 1 && index <= STATIC_COUNT) {
      const [name, value] = STATIC_FIELDS[index - 1] as readonly [string, string]; // within its bounds
      this.#push(name, value, false);
      return;
    }
    const slot = this.#slotOf(index);
    if (slot < 0) return;
    this.#push(
      this.#names[slot] as string,
      this.#values[slot] as string,
      this.#areMalformed[slot] as boolean,
    );
  }

  #readLiteral(mask: number, isKept: boolean): void {
    const index = this.#integer(mask);
    const name = index === 0 ? this.#string() : this.#nameAt(index);
    const value = this.#string();
    if (this.#isFaulty) return;
    const isMalformed = (index === 0 && !NAME.test(name)) || !VALUE.test(value) || this.#isNameBad(index);
    if (isKept) this.#insert(name, value, isMalformed);
    this.#push(name, value, isMalformed);
  }

  #push(name: string, value: string, isMalformed: boolean): void {
    this.listBytes += name.length + value.length + ENTRY_BYTES;
    if (isMalformed) this.isMalformed = true;
    if (this.listBytes <= this.#listBytesMax) this.flat.push(name, value);
  }

  #nameAt(index: number): string {
    if (index <= STATIC_COUNT) return (STATIC_FIELDS[index - 1] as readonly [string, string])[0];
    const slot = this.#slotOf(index);
    return slot < 0 ? "" : (this.#names[slot] as string);
  }

  /** A name of the table may be one that was malformed when it came. */
  #isNameBad(index: number): boolean {
    if (index <= STATIC_COUNT) return false;
    const slot = this.#slotOf(index);
    return slot >= 0 && (this.#areMalformed[slot] as boolean) && !NAME.test(this.#names[slot] as string);
  }

  #slotOf(index: number): number {
    const age = index - STATIC_COUNT - 1;
    if (age < 0 || age >= this.#count) {
      this.#isFaulty = true;
      return -1;
    }
    return (this.#newest - age + RING) & (RING - 1);
  }

  #insert(name: string, value: string, isMalformed: boolean): void {
    const bytes = name.length + value.length + ENTRY_BYTES;
    this.tableVersion++;
    this.#evict(bytes);
    if (bytes > this.#tableBytesMax) return; // RFC 7541 §4.4: then the table is empty, which is no fault
    this.#newest = (this.#newest + 1) & (RING - 1);
    this.#names[this.#newest] = name;
    this.#values[this.#newest] = value;
    this.#areMalformed[this.#newest] = isMalformed;
    this.#tableBytes += bytes;
    this.#count++;
  }

  #evict(room: number): void {
    while (this.#count > 0 && this.#tableBytes + room > this.#tableBytesMax) {
      const oldest = (this.#newest - this.#count + 1 + RING) & (RING - 1);
      const name = this.#names[oldest] as string;
      const value = this.#values[oldest] as string;
      this.#tableBytes -= name.length + value.length + ENTRY_BYTES;
      this.#names[oldest] = "";
      this.#values[oldest] = "";
      this.#count--;
      this.tableVersion++;
    }
  }

  /** RFC 7541 §5.1; `mask` has the prefix's bits. */
  #integer(mask: number): number {
    if (this.#at >= this.#to) return this.#fail();
    let value = (this.#bytes[this.#at++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= this.#to || shift > 21) return this.#fail();
      const byte = this.#bytes[this.#at++] as number; // just compared
      value += (byte & 0x7f) << shift;
      if (value > INTEGER_MAX) return this.#fail();
      if (byte < 0x80) return value;
    }
  }

  #string(): string {
    if (this.#isFaulty || this.#at >= this.#to) {
      this.#isFaulty = true;
      return "";
    }
    const isHuffman = (this.#bytes[this.#at] as number) >= 0x80; // just compared
    const length = this.#integer(0x7f);
    const from = this.#at;
    if (this.#isFaulty || from + length > this.#to) {
      this.#isFaulty = true;
      return "";
    }
    this.#at = from + length;
    if (!isHuffman) return this.#bytes.toString("latin1", from, this.#at);
    const text = decodeHuffman(this.#bytes, from, this.#at);
    if (text === undefined) this.#isFaulty = true;
    return text ?? "";
  }

  #fail(): number {
    this.#isFaulty = true;
    return 0;
  }
}

const EMPTY: Buffer = Buffer.alloc(0);
