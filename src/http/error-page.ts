// The small HTML page that tells a client of an error which no application has answered for.

import { reasonPhrase } from "./status.ts";

export interface ErrorPage {
  /** Header lines and the blank line. What the connection needs (Connection, Date, Server) is the codec's to add. */
  readonly block: string;
  /** ASCII or latin-1 text: as many bytes as characters. */
  readonly body: string;
}

export interface ErrorPageOptions {
  /** "" for the standard phrase. */
  readonly reason?: string;
  /** One sentence below the title; escaped here. */
  readonly detail?: string;
  /** Further header lines, each with CRLF (`Retry-After: 1\r\n`). */
  readonly lines?: string;
}

/** Pages without options, by status. */
const plainPages = new Map<number, ErrorPage>();

export function errorPage(status: number, options?: ErrorPageOptions): ErrorPage {
  if (options !== undefined) return makePage(status, options);
  const made = plainPages.get(status) ?? makePage(status, {});
  plainPages.set(status, made);
  return made;
}

function makePage(status: number, options: ErrorPageOptions): ErrorPage {
  const title = escapeHtml(`${status} ${options.reason || reasonPhrase(status)}`.trimEnd());
  const detail = options.detail ? `<p>${escapeHtml(options.detail)}</p>\n` : "";
  const body = `<!doctype html>\n<html lang="en">\n<title>${title}</title>\n<h1>${title}</h1>\n${detail}</html>\n`;
  const block = `Content-Type: text/html\r\nContent-Length: ${body.length}\r\n${options.lines ?? ""}\r\n`;
  return { block, body };
}

/** Also everything that is not printable ASCII, so that the page is the same text in every encoding. */
function escapeHtml(text: string): string {
  return text.replace(/[^ -~]|[&<>"']/gu, (character) => `&#${character.codePointAt(0)};`);
}
