// Results as Markdown tables: readable on a terminal, kept as they are in bench/results/README.md.

import type { Throughput, Transfer } from "./measurement.ts";
import type { MatrixRow } from "./options.ts";
import type { Soak } from "./soak.ts";
import { median, medianRatio, type Results } from "./summary.ts";
import type { Verdict } from "./target.ts";

type Row = readonly string[];

export function reportScenario(results: Results, row: MatrixRow): string {
  const { scenario, servers } = row;
  const names = servers.map(({ name }) => name);
  const failures = names
    .map((name) => [name, results.failure(scenario.name, name)] as const)
    .filter(([, failure]) => failure !== undefined)
    .map(([name, failure]) => `\n- ${name}: ${firstLine(failure ?? "")}`);
  const title = `### ${scenario.name}: ${scenario.doc}`;
  return `${title}\n\n${table(ROWS[scenario.load](results, scenario.name, names))}\n${failures.join("")}`;
}

const ROWS = {
  throughput: throughputRows,
  handshakes: throughputRows,
  h2: throughputRows,
  "slow-clients": slowClientsRows,
  "one-slow": oneSlowRows,
  echo: throughputRows,
  "idle-web-sockets": idleSocketsRows,
  upload: transferRows,
  download: transferRows,
} as const;

function throughputRows(results: Results, scenario: string, servers: readonly string[]): Row[] {
  const own = servers.find((name) => name.startsWith("tunicorn")) ?? "tunicorn";
  const header = ["server", "req/s", "p50 ms", "p99 ms", "errors", "CPU µs/req", "MB", "PSS MB"];
  const rows = servers.map((server) => {
    const runs = results.throughput(scenario, server);
    const mid = (value: (one: Throughput) => number): number | undefined => median(runs.map(value));
    const ratio = (value: (one: Throughput) => number): string =>
      fixed(results.ratio(scenario, [own, server], value), 2);
    return [
      server,
      fixed(
        mid((one) => one.perSecond),
        0,
      ),
      milliseconds(mid((one) => one.p50Us)),
      milliseconds(mid((one) => one.p99Us)),
      fixed(
        mid((one) => one.errors),
        0,
      ),
      fixed(
        mid((one) => one.cpuUsPerRequest),
        1,
      ),
      megabytes(mid((one) => one.memory.aloneKb)),
      megabytes(mid((one) => one.memory.pssKb)),
      ratio((one) => one.perSecond),
      ratio((one) => one.cpuUsPerRequest),
    ];
  });
  return [[...header, `req/s: ${own} by it`, "CPU: same"], ...rows];
}

function slowClientsRows(results: Results, scenario: string, servers: readonly string[]): Row[] {
  const header = ["server", "req/s alone", "req/s beside", "p99 ms alone", "p99 ms beside", "p99 ratio"];
  const rows = servers.map((server) => {
    const runs = results.slowClients(scenario, server);
    return [
      server,
      fixed(median(runs.map((one) => one.calm.perSecond)), 0),
      fixed(median(runs.map((one) => one.beside.perSecond)), 0),
      milliseconds(median(runs.map((one) => one.calm.p99Us))),
      milliseconds(median(runs.map((one) => one.beside.p99Us))),
      fixed(median(runs.map((one) => one.beside.p99Us / one.calm.p99Us)), 2),
      fixed(median(runs.map((one) => one.beside.errors)), 0),
      fixed(median(runs.map((one) => one.connected)), 0),
      megabytes(median(runs.map((one) => one.memory.aloneKb))),
    ];
  });
  return [[...header, "errors", "slow connected", "MB"], ...rows];
}

function oneSlowRows(results: Results, scenario: string, servers: readonly string[]): Row[] {
  const header = [
    "server",
    "fast p50 ms",
    "fast p99 ms",
    "fast max ms",
    "longest idle wait ms",
    "late",
    "errors",
  ];
  const rows = servers.map((server) => {
    const runs = results.oneSlow(scenario, server);
    return [
      server,
      milliseconds(median(runs.map((one) => one.fastP50Us))),
      milliseconds(median(runs.map((one) => one.fastP99Us))),
      milliseconds(median(runs.map((one) => one.fastMaxUs))),
      milliseconds(median(runs.map((one) => one.idleWaitMaxUs))),
      fixed(median(runs.map((one) => one.late)), 0),
      fixed(median(runs.map((one) => one.errors)), 0),
    ];
  });
  return [header, ...rows];
}

function idleSocketsRows(results: Results, scenario: string, servers: readonly string[]): Row[] {
  const header = ["server", "open", "missing", "MB", "PSS MB", "KB each"];
  const rows = servers.map((server) => {
    const runs = results.idleSockets(scenario, server);
    return [
      server,
      fixed(median(runs.map((one) => one.connected)), 0),
      fixed(median(runs.map((one) => one.missing)), 0),
      megabytes(median(runs.map((one) => one.memory.aloneKb))),
      megabytes(median(runs.map((one) => one.memory.pssKb))),
      fixed(median(runs.map((one) => one.kbEach)), 1),
    ];
  });
  return [header, ...rows];
}

function transferRows(results: Results, scenario: string, servers: readonly string[]): Row[] {
  const own = servers.find((name) => name.startsWith("tunicorn")) ?? "tunicorn";
  const header = ["server", "MB/s", "CPU ms/MB", "errors", "MB after", `MB/s: ${own} by it`];
  const of = (server: string, value: (one: Transfer) => number): number[] =>
    results.transfers(scenario, server).map(value);
  const rows = servers.map((server) => [
    server,
    fixed(median(of(server, (one) => one.mbPerSecond)), 0),
    fixed(median(of(server, (one) => one.cpuMsPerMb)), 2),
    fixed(median(of(server, (one) => one.errors)), 0),
    megabytes(median(of(server, (one) => one.memory.aloneKb))),
    fixed(
      medianRatio(
        of(own, (one) => one.mbPerSecond),
        of(server, (one) => one.mbPerSecond),
      ),
      2,
    ),
  ]);
  return [header, ...rows];
}

export function reportVerdicts(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ target, value, isReached }) => [
    target,
    fixed(value, 2),
    verdictWord(isReached),
  ]);
  return `### Targets\n\n${table([["target", "measured", ""], ...rows])}\n`;
}

export function reportSoaks(soaks: readonly Soak[]): string {
  const header = ["server", "requests", "MB after first slice", "MB half-way", "MB at the end", "errors"];
  const rows = soaks.map(({ server, errors, points }) => {
    const [first, middle, last] = [points[0], points[points.length >> 1], points.at(-1)];
    const sizes = [first, middle, last].map((point) => megabytes(point?.aloneKb));
    return [server, `${last?.requests ?? 0}`, ...sizes, `${errors}`];
  });
  return `### Memory over many requests\n\n${table([header, ...rows])}\n`;
}

function verdictWord(isReached: boolean | undefined): string {
  if (isReached === undefined) return "not measured";
  return isReached ? "reached" : "NOT reached";
}

/** The first row is the header; the first column is text, the others numbers. */
function table(rows: readonly Row[]): string {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(3, ...rows.map((row) => (row[i] ?? "").length)),
  );
  const line = (row: Row): string => {
    const cells = widths.map((width, i) =>
      i === 0 ? (row[i] ?? "").padEnd(width) : (row[i] ?? "").padStart(width),
    );
    return `| ${cells.join(" | ")} |`;
  };
  const rule = widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(rows[0] ?? []), `| ${rule.join(" | ")} |`, ...rows.slice(1).map(line)].join("\n");
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined || !Number.isFinite(value) ? "-" : value.toFixed(digits);
}

function milliseconds(us: number | undefined): string {
  return us === undefined ? "-" : fixed(us / 1_000, us < 10_000 ? 2 : 0);
}

function megabytes(kb: number | undefined): string {
  return kb === undefined ? "-" : fixed(kb / 1_024, 0);
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
