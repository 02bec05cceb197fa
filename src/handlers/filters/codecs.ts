// The content codings that this Node can make, and how hard each one tries. Levels were measured (docs/compression.md): one step
// up costs half as much again in time and saves a hundredth of the bytes.

import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import type { CompressionConfig } from "../../config/site.ts";

export type Coding = CompressionConfig["codings"][number];

/** Node's stream of one compression, as far as it is used here. */
export interface CodecStream {
  write(bytes: Uint8Array, written: () => void): unknown;
  flush(kind: number, flushed: () => void): void;
  end(): unknown;
  destroy(): unknown;
  on(event: "data", listener: (bytes: Buffer) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

export interface Codec {
  whole(bytes: Uint8Array): Buffer;
  open(): CodecStream;
  /** What makes a stream give everything that it holds. */
  readonly flushKind: number;
}

/** Of a stream's memory: 256 kB; what lies farther back is not referred to. RFC 9659 §3 allows 8 MB. */
const WINDOW_BITS = 18;
const GZIP = { level: 5 };
const BROTLI_QUALITY = 4;
const ZSTD = {
  params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_windowLog]: WINDOW_BITS },
};

function brotli(sizeHint: number): { params: Record<number, number> } {
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: sizeHint,
    },
  };
}

export const CODECS: Readonly<Record<Coding, Codec>> = {
  gzip: {
    whole: (bytes) => gzipSync(bytes, GZIP),
    open: () => createGzip(GZIP),
    flushKind: constants.Z_SYNC_FLUSH,
  },
  br: {
    whole: (bytes) => brotliCompressSync(bytes, brotli(bytes.length)),
    open: () => createBrotliCompress(brotli(0)),
    flushKind: constants.BROTLI_OPERATION_FLUSH,
  },
  zstd: {
    whole: (bytes) => zstdCompressSync(bytes, ZSTD),
    open: () => createZstdCompress(ZSTD),
    flushKind: constants.ZSTD_e_flush,
  },
};

/** Node 22.14 and older have no zstd. */
export function availableCodings(codings: readonly Coding[]): readonly Coding[] {
  return codings.filter((coding) => coding !== "zstd" || typeof createZstdCompress === "function");
}
