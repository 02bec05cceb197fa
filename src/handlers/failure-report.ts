// An exception as a worker tells it (`report_of` in python/tunicorn_worker/development.py), checked: the code that runs there
// is not ours.

export interface FailureFrame {
  readonly file: string;
  readonly line: number;
  /** The function; "" where the file could not even be parsed. */
  readonly name: string;
  /** The developer's own code, neither installed nor Python's. */
  readonly own: boolean;
  /** The number of the first line of `source`. */
  readonly first: number;
  readonly source: readonly string[];
}

export interface FailureCause {
  readonly type: string;
  /** Type and message in one line. */
  readonly message: string;
  /** What stands between this cause and the one after it; "" for the last. */
  readonly link: string;
  readonly frames: readonly FailureFrame[];
}

/** The first cause first; empty when `text` is no report. */
export function parseReport(text: string): FailureCause[] {
  const value = parseJson(text);
  const causes = isRecord(value) ? value["causes"] : undefined;
  return Array.isArray(causes) ? causes.filter(isRecord).map(causeOf) : [];
}

function causeOf(value: Readonly<Record<string, unknown>>): FailureCause {
  const { frames } = value;
  return {
    type: textOf(value["type"]),
    message: textOf(value["message"]),
    link: textOf(value["link"]),
    frames: Array.isArray(frames) ? frames.filter(isRecord).map(frameOf) : [],
  };
}

function frameOf(value: Readonly<Record<string, unknown>>): FailureFrame {
  const { source } = value;
  return {
    file: textOf(value["file"]),
    line: numberOf(value["line"]),
    name: textOf(value["name"]),
    own: value["own"] === true,
    first: numberOf(value["first"]),
    source: Array.isArray(source) ? source.map(textOf) : [],
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // an app may call anything a report
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
