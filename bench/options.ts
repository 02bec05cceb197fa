// The command line: what to measure, for how long.

import { parseArgs } from "node:util";
import type { LoadTimes } from "./load-throughput.ts";
import { SCENARIOS, type Scenario } from "./scenario.ts";
import { SERVERS, type Server } from "./server.ts";

export const HELP = `npm run bench -- [options]

  --apps a,b        scenarios (default: all of the WSGI table); "wsgi" and "asgi" name all of a kind
  --servers a,b     servers (default: those of each scenario)
  --seconds N       length of each measuring (6)
  --warm-up N       load before it that is not counted (2)
  --rounds N        how often each server is measured, in turns (2)
  --quick           about 3 minutes: the servers of the targets, one round of 4 s
  --soak N          N requests to each of --servers (tunicorn), memory before and after; nothing else (1000000)
  --source          run tunicorn from the checkout's sources, not from a build of them
  --json            the results as JSON on stdout
  --save            keep the results in bench/results
  --list            name scenarios and servers
  --help`;

export interface Options {
  readonly mode: "measure" | "soak" | "list" | "help";
  /** Each scenario with its servers, in the order in which they take turns. */
  readonly matrix: readonly MatrixRow[];
  readonly times: LoadTimes;
  readonly rounds: number;
  readonly soakRequests: number;
  readonly soakServers: readonly Server[];
  readonly isSource: boolean;
  readonly isJson: boolean;
  readonly isSaved: boolean;
}

export interface MatrixRow {
  readonly scenario: Scenario;
  readonly servers: readonly Server[];
}

const QUICK_APPS = "hello,flask,django-page,slow-clients,one-slow";
const QUICK_SERVERS = "tunicorn,gunicorn-sync,uwsgi,granian";

/** Throws an Error that says what is wrong and what would be right. */
export function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: argv.map((word, i) => (isBareSoak(argv, i) ? `${word}=1000000` : word)),
    options: {
      apps: { type: "string" },
      servers: { type: "string" },
      seconds: { type: "string" },
      "warm-up": { type: "string" },
      rounds: { type: "string" },
      soak: { type: "string" },
      quick: { type: "boolean", default: false },
      source: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      save: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { quick } = values;
  const scenarios = chooseScenarios(values.apps ?? (quick ? QUICK_APPS : "wsgi"));
  const servers = values.servers ?? (quick ? QUICK_SERVERS : undefined);
  return {
    mode: chooseMode(values),
    matrix: scenarios.map((scenario) => ({ scenario, servers: chooseServers(scenario, servers) })),
    times: {
      seconds: positive("--seconds", values.seconds, quick ? 4 : 6),
      warmUpSeconds: positive("--warm-up", values["warm-up"], quick ? 1 : 2),
    },
    rounds: positive("--rounds", values.rounds, quick ? 1 : 2),
    soakRequests: positive("--soak", values.soak, 1_000_000),
    soakServers: chooseNamed(SERVERS, values.servers ?? "tunicorn", "server"),
    isSource: values.source,
    isJson: values.json,
    isSaved: values.save,
  };
}

export function estimateMinutes(options: Options): number {
  const startAndStopSeconds = 2;
  const seconds = options.matrix.flatMap(({ scenario, servers }) => {
    const measurings = scenario.load === "slow-clients" ? 2 : 1;
    const load = options.times.warmUpSeconds + options.times.seconds * measurings;
    return servers.map(() => load + startAndStopSeconds);
  });
  return (seconds.reduce((sum, s) => sum + s, 0) * options.rounds) / 60;
}

function chooseMode(values: { list: boolean; help: boolean; soak?: string | undefined }): Options["mode"] {
  if (values.help) return "help";
  if (values.list) return "list";
  return values.soak === undefined ? "measure" : "soak";
}

function chooseScenarios(names: string): readonly Scenario[] {
  if (names === "wsgi" || names === "asgi") return SCENARIOS.filter(({ interface: kind }) => kind === names);
  return chooseNamed(SCENARIOS, names, "scenario");
}

function chooseServers(scenario: Scenario, names: string | undefined): readonly Server[] {
  const fitting = SERVERS.filter((server) => server.interface === scenario.interface);
  if (names === undefined) {
    return fitting.filter(({ name }) => scenario.servers?.includes(name) ?? !isOnlyOnRequest(name));
  }
  const wanted = chooseNamed(SERVERS, names, "server");
  return fitting.filter((server) => wanted.includes(server));
}

/** nginx before uWSGI costs the default run two minutes and decides nothing; who serves a folder is for the scenarios with files. */
function isOnlyOnRequest(name: string): boolean {
  return /^nginx-(?:tunicorn|uwsgi)|^node-|-(?:static|tls)$/.test(name);
}

function chooseNamed<T extends { readonly name: string }>(
  all: readonly T[],
  names: string,
  kind: string,
): readonly T[] {
  return names.split(",").map((name) => {
    const found = all.find((one) => one.name === name);
    if (found === undefined) {
      throw new Error(`no ${kind} named ${name}; there are: ${all.map((one) => one.name).join(", ")}`);
    }
    return found;
  });
}

function positive(flag: string, text: string | undefined, byDefault: number): number {
  const value = text === undefined ? byDefault : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${flag} must be a whole number from 1 on`);
  return value;
}

function isBareSoak(argv: readonly string[], index: number): boolean {
  const next = argv[index + 1];
  return argv[index] === "--soak" && (next === undefined || next.startsWith("-"));
}
