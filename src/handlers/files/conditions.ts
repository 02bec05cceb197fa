// What a request asks on condition: validators and ranges (RFC 9110 §13, §14). Pure.

import { parseHttpDate } from "../../http/date.ts";
import type { Fields } from "../../http/fields.ts";

/** Values of fields as they came; several of one name are one list. */
export interface RequestTerms {
  ifMatch: string | undefined;
  ifUnmodifiedSince: string | undefined;
  ifNoneMatch: string | undefined;
  ifModifiedSince: string | undefined;
  range: string | undefined;
  ifRange: string | undefined;
}

/** What a representation can be known by. */
export interface Validators {
  /** Strong, with its quotes; "" for none. */
  readonly etag: string;
  /** Milliseconds of a whole second; NaN for none. */
  readonly lastModifiedMs: number;
}

type TermName = keyof RequestTerms;

const TERMS: ReadonlyMap<string, TermName> = new Map([
  ["if-match", "ifMatch"],
  ["if-unmodified-since", "ifUnmodifiedSince"],
  ["if-none-match", "ifNoneMatch"],
  ["if-modified-since", "ifModifiedSince"],
  ["range", "range"],
  ["if-range", "ifRange"],
] as const);

/** Undefined, at little cost, when the request asks nothing of the kind. */
export function termsOf({ flat }: Fields): RequestTerms | undefined {
  let terms: RequestTerms | undefined;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string; // even indices below length exist
    const first = name.charCodeAt(0) | 0x20;
    if (first !== 0x69 && first !== 0x72) continue; // neither "i" nor "r"
    const term = TERMS.get(name.toLowerCase());
    if (term === undefined) continue;
    terms ??= noTerms();
    const value = flat[i + 1] as string; // names and values come in pairs
    terms[term] = terms[term] === undefined ? value : `${terms[term]}, ${value}`;
  }
  return terms;
}

function noTerms(): RequestTerms {
  return {
    ifMatch: undefined,
    ifUnmodifiedSince: undefined,
    ifNoneMatch: undefined,
    ifModifiedSince: undefined,
    range: undefined,
    ifRange: undefined,
  };
}

/** RFC 9110 §13.2.2, steps 1 to 4, for GET and HEAD. */
export function judge(terms: RequestTerms, validators: Validators): "send" | "not-modified" | "failed" {
  if (!isAsExpected(terms, validators)) return "failed";
  return isKnown(terms, validators) ? "not-modified" : "send";
}

function isAsExpected({ ifMatch, ifUnmodifiedSince }: RequestTerms, validators: Validators): boolean {
  if (ifMatch !== undefined) return ifMatch.trim() === "*" || tagsOf(ifMatch).includes(validators.etag);
  if (ifUnmodifiedSince === undefined) return true;
  const sinceMs = parseHttpDate(ifUnmodifiedSince);
  return sinceMs === undefined || !(validators.lastModifiedMs > sinceMs);
}

function isKnown({ ifNoneMatch, ifModifiedSince }: RequestTerms, validators: Validators): boolean {
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch === validators.etag || ifNoneMatch.trim() === "*") return true;
    return tagsOf(ifNoneMatch).some((tag) => tag.replace(/^W\//, "") === validators.etag);
  }
  if (ifModifiedSince === undefined) return false;
  const sinceMs = parseHttpDate(ifModifiedSince);
  return sinceMs !== undefined && validators.lastModifiedMs <= sinceMs;
}

/** RFC 9110 §13.1.5: whether the ranges are wanted of the representation as it is now. */
export function isRangeCurrent(ifRange: string | undefined, validators: Validators, nowMs: number): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"')) return ifRange === validators.etag;
  // A date is a strong validator only of what did not change in that very second (§8.8.2.2).
  const isStrong = nowMs - validators.lastModifiedMs > 1_000;
  return isStrong && parseHttpDate(ifRange) === validators.lastModifiedMs;
}

function tagsOf(list: string): string[] {
  return list.match(/(?:W\/)?"[^"]*"/g) ?? [];
}
