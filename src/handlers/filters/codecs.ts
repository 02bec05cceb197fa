// The content codings that this Node can make, and how hard each one tries. Levels were measured (docs/compression.md): one step
// up costs half as much again in time and saves a hundredth of the bytes.

import * as zlib from "node:zlib";
import type { CompressionConfig } from "../../config/route.ts";

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
  params: { [zlib.constants.ZSTD_c_compressionLevel]: 3, [zlib.constants.ZSTD_c_windowLog]: WINDOW_BITS },
};

function brotli(sizeHint: number): { params: Record<number, number> } {
  return {
    params: {
      [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
      [zlib.constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS,
      [zlib.constants.BROTLI_PARAM_SIZE_HINT]: sizeHint,
    },
  };
}

export const CODECS: Readonly<Record<Coding, Codec>> = {
  gzip: {
    whole: (bytes) => zlib.gzipSync(bytes, GZIP),
    open: () => zlib.createGzip(GZIP),
    flushKind: zlib.constants.Z_SYNC_FLUSH,
  },
  br: {
    whole: (bytes) => zlib.brotliCompressSync(bytes, brotli(bytes.length)),
    open: () => zlib.createBrotliCompress(brotli(0)),
    flushKind: zlib.constants.BROTLI_OPERATION_FLUSH,
  },
  zstd: {
    whole: (bytes) => zlib.zstdCompressSync(bytes, ZSTD),
    open: () => zlib.createZstdCompress(ZSTD),
    flushKind: zlib.constants.ZSTD_e_flush,
  },
};

/** Not every build of Node has zstd. */
export function availableCodings(codings: readonly Coding[]): readonly Coding[] {
  return codings.filter((coding) => coding !== "zstd" || typeof zlib.createZstdCompress === "function");
}
