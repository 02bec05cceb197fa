// HPACK under chance: what an encoder wrote is read back field by field, bytes that nobody wrote are read within limits, and the
// Huffman code is one to one.

import assert from "node:assert/strict";
import { HpackDecoder } from "../../src/h2/hpack-decoder.ts";
import { decodeHuffman, encodeHuffman, huffmanLength } from "../../src/h2/huffman.ts";
import { HpackWriter } from "./hpack-writer.ts";
import { pick, type Random } from "./random.ts";

const LIST_BYTES_MAX = 2_000;
const BLOCKS = 6;
const NAMES = [":path", ":authority", "accept", "cookie", "x-a", "x-b", "content-type", "te", "user-agent"];

export function fuzzHpackOnce(random: Random, what: string): void {
  const decoder = new HpackDecoder(LIST_BYTES_MAX);
  const writer = new HpackWriter(random);
  try {
    for (let count = 1 + random(BLOCKS); count > 0; count--) {
      readBack(decoder, writer, random);
      if (random(10) === 0 && !readAnything(decoder, writer, random)) return;
    }
    checkHuffman(random);
  } catch (error) {
    throw new Error(`HPACK, ${what}`, { cause: error });
  }
}

function readBack(decoder: HpackDecoder, writer: HpackWriter, random: Random): void {
  const list = Array.from({ length: random(12) }, () => [pick(NAMES, random), text(random, 60)] as const);
  const block = Buffer.from(writer.block(list), "latin1");
  assert.ok(decoder.decode(block), block.toString("hex"));
  const flat = list.flat();
  if (decoder.isTooLarge) assert.deepEqual(decoder.flat, flat.slice(0, decoder.flat.length));
  else assert.deepEqual(decoder.flat, flat, block.toString("hex"));
}

/** True: decoder and writer still have the same table. */
function readAnything(decoder: HpackDecoder, writer: HpackWriter, random: Random): boolean {
  const block = Buffer.from(writer.block([["x-a", text(random, 200)]]), "latin1");
  const at = random(block.length);
  block[at] = random(256);
  decoder.decode(block);
  const bytes = decoder.flat.reduce((sum, part) => sum + part.length, (decoder.flat.length / 2) * 32);
  assert.ok(bytes <= LIST_BYTES_MAX);
  return false;
}

function checkHuffman(random: Random): void {
  const said = text(random, 40);
  const code = Buffer.from(encodeHuffman(said), "latin1");
  assert.equal(code.length, huffmanLength(said));
  assert.equal(decodeHuffman(code, 0, code.length), said);
  const any = Buffer.from(Array.from({ length: random(12) }, () => pick([random(256), 0xff], random)));
  const meant = decodeHuffman(any, 0, any.length);
  if (meant !== undefined) assert.equal(encodeHuffman(meant), any.toString("latin1"));
}

function text(random: Random, lengthMax: number): string {
  const all = random(3) === 0;
  const length = random(lengthMax);
  let made = "";
  for (let i = 0; i < length; i++) made += String.fromCharCode(all ? random(256) : 32 + random(95));
  return made;
}
