// An encoder of HPACK that does everything that RFC 7541 allows, at random: indexed fields, names of the table, all kinds of literals,
// Huffman or not, and sizes of the table. Its table is a plain list, the newest first.

import { STATIC_FIELDS } from "../../src/h2/hpack-tables.ts";
import { encodeHuffman } from "../../src/h2/huffman.ts";
import type { Random } from "./random.ts";

const ENTRY_BYTES = 32;
const TABLE_BYTES_MAX = 4_096;

export class HpackWriter {
  readonly #random: Random;
  #table: (readonly [string, string])[] = [];
  #bytesMax = TABLE_BYTES_MAX;

  constructor(random: Random) {
    this.#random = random;
  }

  block(list: readonly (readonly [string, string])[]): string {
    return this.#sizeUpdates() + list.map((field) => this.#field(field)).join("");
  }

  #sizeUpdates(): string {
    let text = "";
    for (let count = this.#random(8) === 0 ? 1 + this.#random(2) : 0; count > 0; count--) {
      this.#bytesMax = [0, 64, 100, 1_000, TABLE_BYTES_MAX][this.#random(5)] ?? 0;
      this.#evict(0);
      text += integer(this.#bytesMax, 0x1f, 0x20);
    }
    return text;
  }

  #field(field: readonly [string, string]): string {
    const all = [...STATIC_FIELDS, ...this.#table];
    const [name, value] = field;
    const whole = all.findIndex((one) => one[0] === name && one[1] === value);
    if (whole >= 0 && this.#random(4) > 0) return integer(whole + 1, 0x7f, 0x80);
    const named = this.#random(4) > 0 ? all.findLastIndex((one) => one[0] === name) : -1;
    const text = (named < 0 ? this.#string(name) : "") + this.#string(value);
    const kind = this.#random(3);
    if (kind > 0) return integer(named + 1, 0x0f, kind === 1 ? 0 : 0x10) + text;
    this.#insert(field);
    return integer(named + 1, 0x3f, 0x40) + text;
  }

  #string(text: string): string {
    const coded = encodeHuffman(text);
    return this.#random(2) === 0
      ? integer(coded.length, 0x7f, 0x80) + coded
      : integer(text.length, 0x7f, 0) + text;
  }

  #insert(field: readonly [string, string]): void {
    const bytes = bytesOf(field);
    this.#evict(bytes);
    if (bytes <= this.#bytesMax) this.#table.unshift(field);
  }

  #evict(room: number): void {
    const total = (): number => this.#table.reduce((sum, one) => sum + bytesOf(one), room);
    while (this.#table.length > 0 && total() > this.#bytesMax) this.#table.pop();
  }
}

function bytesOf([name, value]: readonly [string, string]): number {
  return name.length + value.length + ENTRY_BYTES;
}

function integer(value: number, mask: number, first: number): string {
  if (value < mask) return String.fromCharCode(first | value);
  let text = String.fromCharCode(first | mask);
  let rest = value - mask;
  for (; rest >= 0x80; rest >>= 7) text += String.fromCharCode((rest & 0x7f) | 0x80);
  return text + String.fromCharCode(rest);
}
