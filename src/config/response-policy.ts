// What settings say of all responses, as the policy of a route: compression, header fields, error pages.

import { resolve as resolvePath } from "node:path";
import { NO_POLICY, type RouteAction, type RoutePolicy } from "./route.ts";
import type { Values } from "./settings.ts";

/**
 * Fields that make browsers careful; each only where the application does not send its own. Frames of the same site stay
 * possible. Strict-Transport-Security goes to clients that came by https alone (handlers/filters/route-fields.ts), and says
 * nothing of subdomains.
 */
export const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "SAMEORIGIN"],
  ["referrer-policy", "strict-origin-when-cross-origin"],
  ["strict-transport-security", "max-age=15552000"],
];

type PolicyValues = Pick<
  Values,
  "compress" | "compress_types" | "compress_min_size" | "security_headers" | "error_page" | "limit_rate"
>;

/** `folder`: what relative paths are below. */
export function responsePolicy(values: PolicyValues, folder: string): RoutePolicy {
  const { compress: codings, compress_types: types, compress_min_size: bytesMin } = values;
  return {
    ...NO_POLICY,
    ...(values.security_headers ? { headerDefaults: SECURITY_HEADERS } : {}),
    errorPages: values.error_page.map(({ status, file }) => ({ status, file: resolvePath(folder, file) })),
    compression: codings.length === 0 ? null : { codings, types, bytesMin },
    rate: values.limit_rate,
  };
}

/** Files cost no worker, and a page asks for many of them at once: the server's rate is the applications'. */
export function policyFor({ kind }: RouteAction, policy: RoutePolicy): RoutePolicy {
  return kind === "app" ? policy : { ...policy, rate: null };
}

/** What a route does not say itself is as the server's settings have it. */
export function withServersPolicy(own: RoutePolicy, server: RoutePolicy): RoutePolicy {
  const said = new Set(own.errorPages.map(({ status }) => status));
  const headerDefaults = own.headerDefaults ?? server.headerDefaults;
  return {
    ...own,
    ...(headerDefaults === undefined ? {} : { headerDefaults }),
    errorPages: [...own.errorPages, ...server.errorPages.filter(({ status }) => !said.has(status))],
    compression: own.compression ?? server.compression,
    rate: own.rate ?? server.rate,
  };
}
