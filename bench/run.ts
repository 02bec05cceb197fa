// `npm run bench`: measures tunicorn beside the servers that it means to replace. docs/benchmarks.md explains the figures.

import { loadavg } from "node:os";
import { join } from "node:path";
import { type Archive, describeRun, save } from "./archive.ts";
import { measureH2 } from "./load-h2.ts";
import { measureHandshakes } from "./load-handshakes.ts";
import { measureOneSlow } from "./load-one-slow.ts";
import { measureSlowClients } from "./load-slow-clients.ts";
import { type LoadTimes, measureThroughput } from "./load-throughput.ts";
import { measureTransfer } from "./load-transfer.ts";
import { measureEchoes, measureIdleSockets } from "./load-web-sockets.ts";
import { describeMachine } from "./machine.ts";
import type { Measurement, Run } from "./measurement.ts";
import { estimateMinutes, HELP, type Options, parseOptions } from "./options.ts";
import { buildTunicorn } from "./package-build.ts";
import { reportScenario, reportSoaks, reportVerdicts } from "./report.ts";
import { abandonServers, RunningServer } from "./running-server.ts";
import { SCENARIOS, type Scenario } from "./scenario.ts";
import { SERVERS, type Server } from "./server.ts";
import { type Soak, soak } from "./soak.ts";
import { Results } from "./summary.ts";
import { judge, judgeSoak } from "./target.ts";
import { findTool, howToGet, killTools } from "./tool.ts";
import { ensureVenv, type Venv } from "./venv.ts";

const ROOT = join(import.meta.dirname, "..");

interface Bench {
  readonly options: Options;
  readonly venv: Venv;
  readonly tunicorn: string;
}

async function main(argv: readonly string[]): Promise<void> {
  const options = parseOptions(argv);
  if (options.mode === "help") return console.log(HELP);
  if (options.mode === "list") return console.log(listAll());
  if (findTool("wrk") === undefined) throw new Error(howToGet("wrk"));
  const bench = { options, venv: await ensureVenv(ROOT), tunicorn: await findTunicorn(options) };
  const loadBefore = loadavg()[0] ?? 0;
  const runs = options.mode === "measure" ? await measureAll(bench) : [];
  const soaks = options.mode === "soak" ? await soakAll(bench) : [];
  const machine = await describeMachine(ROOT, bench.venv, loadBefore);
  const scenarios = options.matrix.map(({ scenario }) => scenario.name);
  const verdicts = options.mode === "measure" ? judge(new Results(runs), scenarios) : soaks.map(judgeSoak);
  publish(options, { machine, command: ["npm run bench --", ...argv].join(" "), runs, verdicts, soaks });
}

async function findTunicorn({ isSource }: Options): Promise<string> {
  return isSource ? join(ROOT, "bin/tunicorn") : await buildTunicorn(ROOT);
}

function publish(options: Options, archive: Archive): void {
  const body = options.mode === "soak" ? reportSoaks(archive.soaks) : reportAll(options, archive);
  const tables = `${body}\n${reportVerdicts(archive.verdicts)}`;
  console.log(options.isJson ? JSON.stringify(archive, null, 2) : `${describeRun(archive)}\n\n${tables}`);
  if (options.isSaved) progress(`kept in ${save(ROOT, archive, tables)}`);
}

function reportAll(options: Options, archive: Archive): string {
  const results = new Results(archive.runs);
  return options.matrix.map((row) => reportScenario(results, row)).join("\n");
}

/** Round by round, so that what is compared ran within a minute of each other. */
async function measureAll(bench: Bench): Promise<Run[]> {
  const { matrix, rounds } = bench.options;
  progress(`about ${Math.ceil(estimateMinutes(bench.options))} minutes`);
  const runs: Run[] = [];
  for (const { scenario, servers } of matrix) {
    for (let round = 1; round <= rounds; round++) {
      for (const server of servers) runs.push(await measureOnce(bench, scenario, server, round));
    }
  }
  return runs;
}

async function measureOnce(bench: Bench, scenario: Scenario, server: Server, round: number): Promise<Run> {
  const row = { scenario: scenario.name, server: server.name, round };
  progress(`${scenario.name} round ${round}: ${server.name}`);
  try {
    return { ...row, measurement: await measure(bench, scenario, server) };
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    progress(`  ${failure}`);
    return { ...row, failure };
  }
}

async function measure(bench: Bench, scenario: Scenario, server: Server): Promise<Measurement> {
  const { options, venv, tunicorn } = bench;
  const obstacle = server.obstacle?.(venv);
  if (obstacle !== undefined) throw new Error(obstacle);
  const { app, workers, extraArgs } = scenario;
  const launch = { root: ROOT, venv, tunicorn, app, workers, extraArgs: extraArgs?.[server.name] ?? [] };
  const running = await RunningServer.start(server, launch, scenario.readyPath ?? scenario.path);
  try {
    return await applyLoad(running, scenario, server, options.times);
  } finally {
    await running.stop();
  }
}

function applyLoad(
  running: RunningServer,
  scenario: Scenario,
  server: Server,
  times: LoadTimes,
): Promise<Measurement> {
  switch (scenario.load) {
    case "throughput":
      return measureThroughput(running, scenario, times);
    case "handshakes":
      return measureHandshakes(running, times);
    case "h2":
      return measureH2(running, scenario, times);
    case "slow-clients":
      return measureSlowClients(running, times);
    case "one-slow":
      return measureOneSlow(running, server.slots(scenario.workers), times);
    case "echo":
      return measureEchoes(running, times);
    case "idle-web-sockets":
      return measureIdleSockets(running);
    case "upload":
    case "download":
      return measureTransfer(running, scenario, times);
  }
}

async function soakAll({ options, venv, tunicorn }: Bench): Promise<Soak[]> {
  const soaks: Soak[] = [];
  for (const server of options.soakServers) {
    progress(`${options.soakRequests} requests to ${server.name}`);
    soaks.push(await soak(server, options.soakRequests, { root: ROOT, venv, tunicorn }));
  }
  return soaks;
}

function listAll(): string {
  const scenarios = SCENARIOS.map(({ name, doc, interface: kind }) => `  ${name.padEnd(16)} ${kind}  ${doc}`);
  const servers = SERVERS.map(({ name, note, interface: kind }) =>
    `  ${name.padEnd(16)} ${kind}  ${note ?? ""}`.trimEnd(),
  );
  return ["scenarios (--apps):", ...scenarios, "", "servers (--servers):", ...servers].join("\n");
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

function interrupt(signal: "SIGINT" | "SIGTERM"): void {
  killTools();
  abandonServers();
  process.exit(signal === "SIGINT" ? 130 : 143);
}

process.once("SIGINT", interrupt);
process.once("SIGTERM", interrupt);

try {
  await main(process.argv.slice(2));
} catch (error) {
  progress(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
