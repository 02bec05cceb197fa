// A file's Content-Type by its name.

import { contentType } from "mime-types";

/** What browsers download instead of showing or running. */
const UNKNOWN = "application/octet-stream";

/** Text is taken for UTF-8. */
export function contentTypeOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  if (dot <= 0) return UNKNOWN;
  return contentType(name.slice(dot)) || UNKNOWN;
}
