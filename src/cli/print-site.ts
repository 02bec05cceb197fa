// What --print-config says beyond settings: listeners, applications with what is their own, routes in their order.

import { showAddress } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import type { ListenerConfig } from "../config/listener.ts";
import { RATE } from "../config/rate.ts";
import type { PathPattern, Route, RouteAction, RouteMatch, RoutePolicy } from "../config/route.ts";
import type { SiteApplication } from "../config/site.ts";

/** One line each, as comments: a configuration file would say it in several. */
export function printSiteText(config: Config, apps: readonly SiteApplication[]): string {
  const lines = [
    ...config.listeners.map((listener) => `# listener ${describeListener(listener)}`),
    ...apps.map((app) => `# app ${describeApp(app)}`),
    ...config.routes.map((route) => `# route ${describeRoute(route)}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function describeListener(listener: ListenerConfig): string {
  const { address, name, protocol, tls, proxyProtocol, redirectToTlsPort, servesMetrics, versions } =
    listener;
  const parts = [
    showAddress(address),
    name === "" ? "" : `"${name}"`,
    protocol === "http" ? `${tls === null ? "http" : "https"} ${versions.join(",")}` : protocol,
    tls === null ? "" : `certificates ${tls.certificates.map(({ certificate }) => certificate).join(", ")}`,
    proxyProtocol === "off" ? "" : `behind PROXY ${proxyProtocol}`,
    servesMetrics ? "metrics" : "",
    redirectToTlsPort === 0 ? "" : `→ https, port ${redirectToTlsPort}`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}

function describeApp({ name, config }: SiteApplication): string {
  const { app, chdir, python, workersMin, workersMax, threads, user } = config;
  const workers = workersMin === workersMax ? `${workersMin}` : `${workersMin}-${workersMax}`;
  const parts = [
    `${name}: ${app} in ${chdir}`,
    `workers ${workers}`,
    threads > 1 ? `threads ${threads}` : "",
    python === "" ? "" : `python ${python}`,
    user === "" ? "" : `user ${user}`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function describeRoute({ name, match, action, policy }: Route): string {
  return `${name}: ${describeMatch(match)} → ${describeAction(action)}${describePolicy(policy)}`;
}

function describeMatch(match: RouteMatch): string {
  const parts = [
    match.isInternal ? "internal" : "",
    match.hosts.join("|"),
    match.paths.map(showPath).join("|"),
    match.methods.join("|"),
    match.fields.map(({ name, value }) => `${name}: ${value}`).join(" "),
    match.listeners.length === 0 ? "" : `on ${match.listeners.join("|")}`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "everything" : parts.join(" ");
}

function showPath({ kind, path }: PathPattern): string {
  const text = Buffer.from(path, "latin1").toString("utf8");
  return kind === "exact" ? text : `${text}/*`;
}

function describeAction(action: RouteAction): string {
  switch (action.kind) {
    case "app":
      return `app ${action.app}${action.mount === "" ? "" : ` mounted at ${action.mount}`}`;
    case "files":
      return `files ${action.files.root}`;
    case "redirect":
      return `${action.status} ${action.to}`;
    case "respond":
      return `${action.status}`;
  }
}

function describePolicy(policy: RoutePolicy): string {
  const parts = [
    policy.bodyBytesMax === null ? "" : `max_body ${policy.bodyBytesMax}`,
    policy.timeoutMs === null ? "" : `timeout ${policy.timeoutMs} ms`,
    policy.basicAuth === null ? "" : `users of ${policy.basicAuth.usersFile}`,
    policy.rate === null ? "" : `rate ${RATE.show(policy.rate)}`,
    policy.allow.length === 0 ? "" : `allow ${policy.allow.join(" ")}`,
    policy.deny.length === 0 ? "" : `deny ${policy.deny.join(" ")}`,
    policy.headers.length === 0 ? "" : `headers ${policy.headers.map(([name]) => name).join(" ")}`,
    policy.errorPages.length === 0 ? "" : `pages ${policy.errorPages.map(({ status }) => status).join(" ")}`,
    policy.compression === null ? "" : `compress ${policy.compression.codings.join(" ") || "off"}`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : `; ${parts.join("; ")}`;
}
