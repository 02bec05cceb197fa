// How handlers spell a request head for a worker. They get the encoder from here, so that only link/ knows wire.

import { EnvironWriter } from "../wire/environ-writer.ts";

export type EnvironEncoder = EnvironWriter;

/** For workers that speak `wsgi`. Keeps what it learned of field names, so one serves the whole front. */
export function makeEnvironEncoder(): EnvironEncoder {
  return new EnvironWriter();
}
