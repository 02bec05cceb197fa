// The Huffman code of header strings (RFC 7541 §5.2 and appendix B). Decoding takes four bits at a time through a table of states
// that is made once; a state is a place in the tree between two symbols.

import { CODE_LENGTHS } from "./hpack-tables.ts";

const END_OF_STRING = 256;
const SYMBOLS = 256;
/** Bits of a step of the decoder. */
const STEP_BITS = 4;
const STEPS = 1 << STEP_BITS;
/** A step's flags: a symbol is complete; the step hit the end-of-string code. */
const HAS_SYMBOL = 0x100;
const IS_FAULT = 0x200;
const STATE_SHIFT = 10;

const codes = makeCodes();
const { steps, acceptable } = makeDecoder(codes);

/** The decoded bytes as latin-1 text; undefined when they are no valid code (RFC 7541 §5.2: padding, end of string). */
export function decodeHuffman(bytes: Buffer, from: number, to: number): string | undefined {
  const scratch = scratchFor((to - from) * 2);
  let state = 0;
  let length = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number; // within the bounds that the caller knows
    for (let nibble = byte >> STEP_BITS, last = false; ; nibble = byte & (STEPS - 1), last = true) {
      const step = steps[state * STEPS + nibble] as number; // every state has all steps
      if ((step & IS_FAULT) !== 0) return undefined;
      if ((step & HAS_SYMBOL) !== 0) scratch[length++] = step & 0xff;
      state = step >> STATE_SHIFT;
      if (last) break;
    }
  }
  return acceptable[state] === 1 ? scratch.toString("latin1", 0, length) : undefined;
}

/** The code of latin-1 `text`, as latin-1 text; never longer than needed. */
export function encodeHuffman(text: string): string {
  let bits = 0; // never more than 37 of them, which a number holds exactly
  let count = 0;
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    const length = CODE_LENGTHS[symbol] as number; // there is one for each byte
    bits = bits * 2 ** length + (codes[symbol] as number);
    count += length;
    while (count >= 8) {
      count -= 8;
      const unit = 2 ** count;
      const byte = Math.floor(bits / unit);
      bits -= byte * unit;
      out += String.fromCharCode(byte);
    }
  }
  if (count === 0) return out;
  return out + String.fromCharCode((bits << (8 - count)) | ((1 << (8 - count)) - 1));
}

/** Bytes of the code of `text`. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += CODE_LENGTHS[text.charCodeAt(i) & 0xff] as number;
  return (bits + 7) >> 3;
}

let scratchBuffer: Buffer = Buffer.allocUnsafeSlow(4096);

function scratchFor(bytes: number): Buffer {
  if (scratchBuffer.length < bytes) scratchBuffer = Buffer.allocUnsafeSlow(bytes);
  return scratchBuffer;
}

function makeCodes(): readonly number[] {
  const symbols = CODE_LENGTHS.map((length, symbol) => ({ length, symbol }));
  symbols.sort((a, b) => a.length - b.length || a.symbol - b.symbol);
  const made: number[] = [];
  let code = 0;
  let before = 0;
  for (const { length, symbol } of symbols) {
    code *= 2 ** (length - before); // up to 30 bits: no shift, which would be signed
    before = length;
    made[symbol] = code++;
  }
  return made;
}

interface Node {
  readonly children: (Node | number | undefined)[];
  /** The way from the root, when it is all ones and shorter than a byte: valid padding. */
  readonly isPadding: boolean;
}

function makeDecoder(all: readonly number[]): { steps: Uint32Array; acceptable: Uint8Array } {
  const root: Node = { children: [], isPadding: true };
  const nodes: Node[] = [root];
  for (let symbol = 0; symbol <= END_OF_STRING; symbol++) plant(root, nodes, symbol, all[symbol] as number);
  const table = new Uint32Array(nodes.length * STEPS);
  nodes.forEach((node, state) => {
    for (let nibble = 0; nibble < STEPS; nibble++)
      table[state * STEPS + nibble] = walk(root, nodes, node, nibble);
  });
  return { steps: table, acceptable: Uint8Array.from(nodes, (node) => (node.isPadding ? 1 : 0)) };
}

function plant(root: Node, nodes: Node[], symbol: number, code: number): void {
  const length = CODE_LENGTHS[symbol] as number; // there is one for each symbol
  let node = root;
  for (let depth = 1; depth < length; depth++) {
    const bit = bitOf(code, length - depth);
    let next = node.children[bit];
    if (next === undefined) {
      next = { children: [], isPadding: node.isPadding && bit === 1 && depth < 8 };
      node.children[bit] = next;
      nodes.push(next);
    }
    node = next as Node; // a code is never the beginning of another
  }
  node.children[bitOf(code, 0)] = symbol;
}

function walk(root: Node, nodes: readonly Node[], start: Node, nibble: number): number {
  let node = start;
  let found = 0;
  for (let bit = STEP_BITS - 1; bit >= 0; bit--) {
    const next = node.children[bitOf(nibble, bit)];
    if (next === undefined || next === END_OF_STRING) return IS_FAULT;
    // The shortest code has five bits, so a step completes one symbol at most.
    if (typeof next === "number") found = HAS_SYMBOL | (next % SYMBOLS);
    node = typeof next === "number" ? root : next;
  }
  return (nodes.indexOf(node) << STATE_SHIFT) | found;
}

function bitOf(value: number, index: number): number {
  return Math.floor(value / 2 ** index) % 2;
}
