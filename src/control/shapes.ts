// What a child's message must look like before the arbiter believes it. A worker runs code that is not ours, so a
// message with a missing or wrong field is refused as a whole. Fields that are not listed are allowed: a newer child.

import type { EvaluatedFile } from "../config/python-file.ts";
import type { Line } from "./json-lines.ts";
import type {
  BootFailure,
  ForkserverReport,
  FrontReport,
  LostRequest,
  Meeting,
  WorkerReport,
} from "./messages.ts";

type FieldShape =
  | "text"
  | "texts"
  | "text-record"
  | "number"
  | "count"
  | "text-or-null"
  | "number-or-null"
  | "requests"
  | "counters"
  | "meetings"
  | "record"
  | "problems"
  | "failure-or-null";
type Shapes<Report extends { readonly type: string }> = {
  readonly [Type in Report["type"]]: {
    readonly [Field in Exclude<keyof Extract<Report, { readonly type: Type }>, "type">]: FieldShape;
  };
};

const BOOT_FAILED: Readonly<Record<keyof BootFailure, FieldShape>> = {
  step: "text",
  message: "text",
  traceback: "text",
  hint: "text",
  exitCode: "number",
};

const FORKSERVER_REPORTS: Shapes<ForkserverReport> = {
  evaluated: {
    values: "record",
    opaque: "text-record",
    functions: "texts",
    hooks: "texts",
    problems: "problems",
    failure: "failure-or-null",
  },
  "boot-failed": BOOT_FAILED,
  configured: { python: "text", pid: "count", executable: "text" },
  forked: { nr: "count", pid: "count" },
  dumped: { id: "count", pid: "count", text: "text" },
  exited: { pid: "count", code: "number-or-null", signal: "text-or-null", rssMax: "number" },
};

const WORKER_REPORTS: Shapes<WorkerReport> = {
  hello: { token: "text", pid: "count", nr: "count", generation: "count" },
  step: { step: "text" },
  ready: { interface: "text", slots: "count", importMs: "number" },
  "boot-failed": BOOT_FAILED,
  retire: { cause: "text" },
  stuck: { forMs: "number" },
  failure: { report: "text" },
  modules: { files: "texts" },
  pong: { id: "count", rss: "number", requests: "number", busy: "number", sinceProgressMs: "number" },
  stacks: { id: "count", text: "text" },
};

const FRONT_REPORTS: Shapes<FrontReport> = {
  ready: { meetings: "meetings" },
  reconfigured: { meetings: "meetings" },
  "worker-joined": { app: "text", pid: "count" },
  "worker-drained": { app: "text", pid: "count" },
  "worker-lost": { app: "text", pid: "count", inFlight: "requests", count: "count" },
  "worker-worn": { app: "text", pid: "count" },
  "worker-overdue": { app: "text", pid: "count", requests: "requests", others: "count" },
  drained: {},
  requests: { id: "count", requests: "requests" },
  pressure: { app: "text", waitingMs: "number", queued: "count", busy: "count" },
  metrics: { text: "text" },
  status: { id: "count", counters: "counters" },
  figures: { id: "count", samples: "counters" },
  "exposition-wanted": { id: "count" },
};

const LOST_REQUEST: Readonly<Record<keyof LostRequest, string>> = {
  id: "number",
  method: "string",
  path: "string",
  elapsedMs: "number",
  started: "boolean",
  retried: "boolean",
};

export type Reading<Report> =
  | { readonly kind: "report"; readonly report: Report }
  /** A type this arbiter does not know: ignored, the child may be newer. */
  | { readonly kind: "unknown" }
  | { readonly kind: "malformed"; readonly field: string };

export function readForkserverReport(line: Line): Reading<ForkserverReport> {
  return read<ForkserverReport>(FORKSERVER_REPORTS, withNulls(line, ["code", "signal"]));
}

export function readWorkerReport(line: Line): Reading<WorkerReport> {
  return read<WorkerReport>(WORKER_REPORTS, line);
}

export function readFrontReport(line: Line): Reading<FrontReport> {
  return read<FrontReport>(FRONT_REPORTS, line);
}

function read<Report>(
  shapes: Readonly<Record<string, Readonly<Record<string, FieldShape>>>>,
  line: Line,
): Reading<Report> {
  if (!Object.hasOwn(shapes, line.type)) return { kind: "unknown" };
  const wrong = Object.entries(shapes[line.type] ?? {}).find(([field, shape]) => !fits(shape, line[field]));
  if (wrong !== undefined) return { kind: "malformed", field: wrong[0] };
  // Every listed field of this type was just checked, and the tables above are checked against the unions.
  return { kind: "report", report: line as unknown as Report };
}

/** An exit has a code or a signal; the one that is absent may be left out of the line. */
function withNulls(line: Line, fields: readonly string[]): Line {
  const missing = fields.filter((field) => line[field] === undefined);
  return missing.length === 0
    ? line
    : { ...line, ...Object.fromEntries(missing.map((field) => [field, null])) };
}

function fits(shape: FieldShape, value: unknown): boolean {
  switch (shape) {
    case "text":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "count":
      return Number.isSafeInteger(value) && (value as number) >= 0;
    case "text-or-null":
      return value === null || typeof value === "string";
    case "number-or-null":
      return value === null || typeof value === "number";
    case "requests":
      return Array.isArray(value) && value.every(isLostRequest);
    case "counters":
      return isRecord(value) && Object.values(value).every((counter) => typeof counter === "number");
    case "meetings":
      return isRecord(value) && Object.values(value).every((meeting) => hasTexts(meeting, MEETING_FIELDS));
    case "record":
      return isRecord(value);
    case "texts":
      return Array.isArray(value) && value.every(isText);
    case "text-record":
      return isRecord(value) && Object.values(value).every(isText);
    case "problems":
      return Array.isArray(value) && value.every((item) => hasTexts(item, PROBLEM_FIELDS));
    case "failure-or-null":
      return value === null || hasTexts(value, FAILURE_FIELDS);
  }
}

function isLostRequest(value: unknown): boolean {
  return (
    isRecord(value) && Object.entries(LOST_REQUEST).every(([field, type]) => typeof value[field] === type)
  );
}

const MEETING_FIELDS: readonly (keyof Meeting)[] = ["address", "token"];
const PROBLEM_FIELDS: readonly (keyof EvaluatedFile["problems"][number])[] = ["name", "reason"];
const FAILURE_FIELDS: readonly (keyof NonNullable<EvaluatedFile["failure"]>)[] = [
  "message",
  "traceback",
  "hint",
];

function hasTexts(value: unknown, fields: readonly string[]): boolean {
  return isRecord(value) && fields.every((field) => isText(value[field]));
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
