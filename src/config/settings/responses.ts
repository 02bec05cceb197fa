// Settings: what is done to every response on its way to the client. tunicorn.toml says the same for single routes.

import { size } from "../quantity.ts";
import type { CompressionConfig } from "../route.ts";
import { type SettingsOf, SUPPORTED } from "../setting.ts";
import { choice, commaList, repeated, SWITCH, scalar, type ValueType } from "../value-type.ts";

export interface ResponseValues {
  readonly compress: CompressionConfig["codings"];
  readonly compress_types: readonly string[];
  readonly compress_min_size: number;
  readonly response_spill: number;
  readonly response_spill_total: number;
  readonly security_headers: boolean;
  readonly error_page: readonly { readonly status: string; readonly file: string }[];
}

export const CODINGS: ValueType<CompressionConfig["codings"]> = distinct(
  commaList(choice(["zstd", "br", "gzip"])),
);

function distinct<T>(type: ValueType<readonly T[]>): ValueType<readonly T[]> {
  const read: typeof type.read = (given) => {
    const reading = type.read(given);
    return reading.ok ? { ok: true, value: [...new Set(reading.value)] } : reading;
  };
  return { ...type, read };
}

const MEDIA_TYPES: ValueType<readonly string[]> = commaList(
  scalar("TYPE", "expected a content type such as text/html, or text/* for all of its kind", (value) => {
    const type = value.trim().toLowerCase();
    return /^[-!#$&^_.+0-9a-z]+\/(\*|[-!#$&^_.+0-9a-z]+)$/.test(type) ? type : undefined;
  }),
);

/** Text, and what else compresses well. Images, video and archives are compressed already. */
export const COMPRESS_TYPES_DEFAULT: readonly string[] = [
  "text/*",
  "application/json",
  "application/ld+json",
  "application/problem+json",
  "application/geo+json",
  "application/manifest+json",
  "application/x-ndjson",
  "application/javascript",
  "application/xml",
  "application/xhtml+xml",
  "application/rss+xml",
  "application/atom+xml",
  "application/wasm",
  "image/svg+xml",
  "font/ttf",
  "font/otf",
];

export const COMPRESS_MIN_SIZE_DEFAULT = 1_024;

const STATUS_PAGE = scalar(
  "STATUS=FILE",
  "expected STATUS=FILE, with a status from 400 to 599, or 4xx or 5xx",
  (value) => {
    const match = /^([45](?:\d\d|xx))=(.+)$/i.exec(value.trim());
    return match === null ? undefined : { status: (match[1] ?? "").toLowerCase(), file: match[2] ?? "" };
  },
  ({ status, file }: { readonly status: string; readonly file: string }) => `${status}=${file}`,
);

export const RESPONSE_SETTINGS: SettingsOf<ResponseValues> = {
  compress: {
    section: "Responses",
    flags: ["--compress"],
    bare: "zstd,br,gzip",
    type: CODINGS,
    byDefault: [],
    defaultText: "off",
    doc: "Compress responses for clients that accept it, with one of these codings, in the server's order of preference; alone it means zstd,br,gzip. Read about secrets in compressed pages first: docs/compression.md.",
    status: SUPPORTED,
  },
  compress_types: {
    section: "Responses",
    flags: ["--compress-types"],
    type: MEDIA_TYPES,
    byDefault: COMPRESS_TYPES_DEFAULT,
    defaultText: "text, JSON, XML, JavaScript, SVG, WebAssembly, TTF and OTF",
    doc: "Content types to compress, without parameters; text/* means all of its kind. Event streams are never compressed.",
    status: SUPPORTED,
  },
  compress_min_size: {
    section: "Responses",
    flags: ["--compress-min-size"],
    type: size(0),
    byDefault: COMPRESS_MIN_SIZE_DEFAULT,
    doc: "Responses with less bytes are not compressed. One of unknown length that is not complete at once counts as long.",
    status: SUPPORTED,
  },
  response_spill: {
    section: "Responses",
    flags: ["--response-spill"],
    type: size(0),
    byDefault: 2 ** 30,
    doc: "Bytes of one response beyond --response-buffer that may wait for a slow client in a temporary file, so that the worker is free. 0: nothing goes to disk, and the worker waits. Event streams and responses with X-Accel-Buffering: no never do, nor do those of ASGI applications, whose workers have other requests to go on with.",
    status: SUPPORTED,
  },
  response_spill_total: {
    section: "Responses",
    flags: ["--response-spill-total"],
    type: size(0),
    byDefault: 2 ** 32,
    doc: "The same for all responses of a front together.",
    status: SUPPORTED,
  },
  security_headers: {
    section: "Responses",
    flags: ["--security-headers"],
    type: SWITCH,
    byDefault: false,
    doc: "Send X-Content-Type-Options: nosniff, X-Frame-Options: SAMEORIGIN, Referrer-Policy: strict-origin-when-cross-origin and, over https, Strict-Transport-Security: max-age=15552000 with each response that has no such field of its own.",
    status: SUPPORTED,
  },
  error_page: {
    section: "Responses",
    flags: ["--error-page"],
    type: repeated(STATUS_PAGE),
    byDefault: [],
    doc: "Send this file in place of the server's or the application's page for that status: --error-page 502=down.html --error-page 5xx=error.html. Read again when it changes.",
    status: SUPPORTED,
  },
};
