// What a route's policy does to the responses of its requests, as one function. From the application to the client: its pages
// for errors, compression, its header fields.

import type { RoutePolicy } from "../../config/route.ts";
import { errorPage } from "../../http/error-page.ts";
import type { Exchange, Handler } from "../../http/exchange.ts";
import type { Log } from "../../log/log.ts";
import { Compressible } from "./compressible.ts";
import { CompressionFilter, type CompressionRoom } from "./compression.ts";
import { ErrorPages, ErrorPagesFilter } from "./error-pages.ts";
import { PageStore } from "./page-store.ts";
import { RouteFields, RouteFieldsFilter } from "./route-fields.ts";

/** Gives the exchange that a handler is to answer in place of the client's. */
export type Filters = (exchange: Exchange) => Exchange;

/** What the filters of all routes of a front share. */
export interface FilterServices {
  readonly pages: PageStore;
  readonly room: CompressionRoom;
}

export function filterServices(log: Log, nowMs: () => number): FilterServices {
  return { pages: new PageStore(log, nowMs), room: { streams: 0 } };
}

/** undefined: nothing is changed, and no request pays for that. */
export function filtersOf(policy: RoutePolicy, services: FilterServices): Filters | undefined {
  // The one nearest to the client comes first.
  const filters = [fieldsOf(policy), compressionOf(policy, services), pagesOf(policy, services)].filter(
    (filter) => filter !== undefined,
  );
  if (filters.length < 2) return filters[0];
  return (exchange) => filters.reduce((inner, filter) => filter(inner), exchange);
}

/**
 * The pages for requests that never become an exchange, so that no route takes them (too long, malformed). undefined: the plain
 * ones.
 */
export function ownPagesOf(policy: RoutePolicy, services: FilterServices): Handler["errorPage"] {
  const pages =
    policy.errorPages.length === 0 ? undefined : new ErrorPages(policy.errorPages, services.pages);
  const fields = hasFields(policy) ? new RouteFields(policy) : undefined;
  if (pages === undefined && fields === undefined) return undefined;
  return (status, detail) => {
    const page = pages?.pageOf(status) ?? errorPage(status, { detail });
    return fields === undefined ? page : { block: fields.apply(page.block, false), body: page.body };
  };
}

/** A handler behind the filters of its route. */
export function filtered(next: Handler, filters: Filters | undefined): Handler {
  if (filters === undefined) return next;
  return { handle: (exchange) => next.handle(filters(exchange)) };
}

function hasFields({ headers, headerDefaults = [] }: RoutePolicy): boolean {
  return headers.length > 0 || headerDefaults.length > 0;
}

function fieldsOf(policy: RoutePolicy): Filters | undefined {
  if (!hasFields(policy)) return undefined;
  const fields = new RouteFields(policy);
  return (exchange) => new RouteFieldsFilter(exchange, fields);
}

function compressionOf({ compression }: RoutePolicy, { room }: FilterServices): Filters | undefined {
  if (compression === null || compression.codings.length === 0) return undefined;
  const rules = new Compressible(compression);
  return (exchange) => new CompressionFilter(exchange, rules, room);
}

function pagesOf({ errorPages }: RoutePolicy, { pages: store }: FilterServices): Filters | undefined {
  if (errorPages.length === 0) return undefined;
  const pages = new ErrorPages(errorPages, store);
  return (exchange) => new ErrorPagesFilter(exchange, pages);
}
