// Replies of the control socket as people read them.

type Row = Readonly<Record<string, unknown>>;

/** The text for a reply to `type`; JSON is the caller's. */
export function controlText(type: string, reply: Row): string {
  switch (type) {
    case "status":
      return statusText(reply);
    case "workers":
      return table(namedWhereSeveral(rowsOf(reply["workers"]), workerRow), "no workers");
    case "requests":
      return table(namedWhereSeveral(rowsOf(reply["requests"]), requestRow), "no requests");
    case "metrics":
      return `${reply["text"]}`;
    case "stack":
      return stackText(reply);
    case "scale":
      return `${reply["from"]} → ${reply["to"]} workers\n`;
    default:
      return `${type}: begun\n`;
  }
}

function stackText({ by, text }: Row): string {
  const title = by === "signal" ? "The worker does not answer. A signal had it show this:\n\n" : "";
  return `${title}${text}`.replace(/\n*$/, "\n");
}

function statusText(reply: Row): string {
  const workers = rowOf(reply["workers"]);
  const bounds = workers["min"] === workers["max"] ? "" : ` (${workers["min"]} to ${workers["max"]})`;
  const note = reply["degraded"] === true ? ", the last reload failed: the code before it serves" : "";
  const lines: (readonly [string, string])[] = [
    ["server", `tunicorn ${reply["version"]}, pid ${reply["pid"]}, up ${age(reply["uptimeSeconds"])}`],
    ["app", `${reply["app"] === "" ? "none" : reply["app"]}`],
    ["listens", `${[reply["addresses"]].flat().join(", ")}`],
    ["state", `${reply["phase"]}${note}, generation ${reply["generation"]}`],
    ["workers", `${workers["serving"]} of ${workers["wanted"]} serve${bounds}`],
    ...severalApps(reply).map((app) => [`${app["name"]}`, appText(app)] as const),
    ...rowsOf(reply["fronts"]).map((front) => ["front", frontText(front)] as const),
  ];
  const width = Math.max(9, ...lines.map(([name]) => name.length + 1));
  return lines.map(([name, text]) => `${name.padEnd(width)}${text}\n`).join("");
}

/** One alone is what the lines above say. */
function severalApps(reply: Row): readonly Row[] {
  const apps = rowsOf(reply["apps"]);
  return apps.length > 1 ? apps : [];
}

function appText(app: Row): string {
  const { serving, wanted } = rowOf(app["workers"]);
  const note = app["degraded"] === true && app["phase"] !== "failing" ? ", the last reload failed" : "";
  return `${app["target"]}, ${app["phase"]}${note}, generation ${app["generation"]}, ${serving} of ${wanted} workers serve`;
}

function frontText(front: Row): string {
  const counters = rowOf(front["counters"]);
  const figures = ["running", "waiting", "requests", "connectionsOpen"].map(
    (name) => `${name} ${counters[name] ?? "?"}`,
  );
  return `pid ${front["pid"]}, ${front["state"]}, ${figures.join(", ")}`;
}

/** The application is shown where it is not always the same. */
function namedWhereSeveral(rows: readonly Row[], show: (row: Row) => Row): readonly Row[] {
  const names = new Set(rows.map((row) => row["app"]).filter((name) => name !== ""));
  return rows.map((row) => (names.size > 1 ? { app: row["app"], ...show(row) } : show(row)));
}

function workerRow(worker: Row): Row {
  const state = worker["state"] === "ready" && worker["serving"] !== true ? "attaching" : worker["state"];
  return {
    pid: worker["pid"],
    nr: worker["nr"],
    gen: worker["generation"],
    state,
    age: age(worker["ageSeconds"]),
    "rss MiB": mebibytes(worker["rssKib"]),
    shared: mebibytes(worker["sharedKib"]),
    busy: `${worker["busy"] ?? "?"}/${worker["slots"]}`,
    requests: worker["requests"] ?? "?",
  };
}

function mebibytes(kib: unknown): number | "?" {
  return typeof kib === "number" ? Math.round(kib / 1024) : "?";
}

function requestRow(request: Row): Row {
  const pid = request["pid"];
  const elapsedMs = Number(request["elapsedMs"]);
  return {
    id: request["id"],
    worker: pid === 0 ? "waits" : pid,
    seconds: (elapsedMs / 1000).toFixed(1),
    client: request["client"] === "" ? "unix" : request["client"],
    kind: request["kind"],
    request: `${request["method"]} ${printable(`${request["path"]}`)}`,
  };
}

function table(rows: readonly Row[], none: string): string {
  const [first] = rows;
  if (first === undefined) return `${none}\n`;
  const names = Object.keys(first);
  const cells = [names, ...rows.map((row) => names.map((name) => `${row[name]}`))];
  const widths = names.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return cells.map((row) => `${line(row).trimEnd()}\n`).join("");
}

/** A client chose it: it must not write to the operator's terminal. */
function printable(text: string): string {
  return text.replace(/[^ -~]/gu, "?");
}

function age(seconds: unknown): string {
  const whole = Number(seconds);
  if (whole < 120) return `${whole}s`;
  return whole < 7_200 ? `${Math.floor(whole / 60)}m` : `${Math.floor(whole / 3_600)}h`;
}

function rowsOf(value: unknown): readonly Row[] {
  return Array.isArray(value) ? value.map(rowOf) : [];
}

function rowOf(value: unknown): Row {
  return typeof value === "object" && value !== null ? (value as Row) : {}; // any object can be looked into
}
