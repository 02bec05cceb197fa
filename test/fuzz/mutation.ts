// Small changes to bytes, of which a fuzzer makes several.

import { pick, type Random } from "./random.ts";

/** Changes `copy`, or makes another, at `at`, which may be its end. */
export type Mutation = (copy: Buffer, at: number, random: Random) => Buffer;

/** What suits every protocol. */
export const PLAIN_MUTATIONS: readonly Mutation[] = [
  (copy, at, random) => withByte(copy, at, random(256)),
  (copy, at) => copy.subarray(0, at),
  (copy, at, random) => Buffer.concat([copy.subarray(0, at), Buffer.from([random(256)]), copy.subarray(at)]),
];

/** One of `mutations`, anywhere; `bytes` stay as they are. */
export function mutateOnce(bytes: Buffer, mutations: readonly Mutation[], random: Random): Buffer {
  const at = random(bytes.length + 1);
  return pick(mutations, random)(Buffer.from(bytes), at, random);
}

/** There is none at the end. */
export function withByte(copy: Buffer, at: number, byte: number): Buffer {
  if (at < copy.length) copy[at] = byte;
  return copy;
}
