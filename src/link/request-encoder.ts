// How handlers spell a request head for a worker. They get the encoders from here, so that only link/ knows wire.

import { EnvironWriter } from "../wire/environ-writer.ts";
import { REQUEST_CREDIT_INITIAL } from "../wire/frame.ts";
import { ScopeWriter } from "../wire/scope-writer.ts";

export type EnvironEncoder = EnvironWriter;
export type ScopeEncoder = ScopeWriter;

/** Request body bytes that an `asgi` worker takes before it gives credit. */
export const REQUEST_WINDOW_BYTES: number = REQUEST_CREDIT_INITIAL;

/** For workers that speak `wsgi`. Keeps what it learned of field names, so one serves the whole front. */
export function makeEnvironEncoder(): EnvironEncoder {
  return new EnvironWriter();
}

/** The same for workers that speak `asgi`. */
export function makeScopeEncoder(): ScopeEncoder {
  return new ScopeWriter();
}
