// Metrics → statsd datagrams. No I/O. Counters of one batch are summed, timings and histograms are sent one by one (their
// percentiles are the server's to make), and many lines share a datagram, which statsd and dogstatsd both read.

export interface BatchOptions {
  /** "" or ends in a dot. */
  readonly prefix: string;
  /** "" or dogstatsd's tags, `env:prod,team:shop`. */
  readonly tags: string;
  /** What one datagram may hold. */
  readonly bytesMax: number;
}

/** Timings and values of histograms held until the next batch is taken; what comes beyond is only counted. */
const SAMPLES_MAX = 20_000;

export class StatsdBatch {
  readonly #options: BatchOptions;
  readonly #tail: string;
  readonly #counts = new Map<string, number>();
  readonly #gauges = new Map<string, number>();
  #samples: string[] = [];

  constructor(options: BatchOptions) {
    this.#options = options;
    this.#tail = options.tags === "" ? "" : `|#${options.tags}`;
  }

  count(name: string, by: number = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  /** The last value of a batch counts. */
  gauge(name: string, value: number): void {
    this.#gauges.set(name, value);
  }

  time(name: string, ms: number): void {
    this.#sample(name, round(ms), "ms");
  }

  /** A value of a histogram. */
  spread(name: string, value: number): void {
    this.#sample(name, value, "h");
  }

  /** The datagrams of all that came since the last call. */
  take(): string[] {
    const lines = [
      ...[...this.#gauges].map(([name, value]) => this.#line(name, value, "g")),
      ...[...this.#counts].map(([name, value]) => this.#line(name, value, "c")),
      ...this.#samples,
    ];
    this.#gauges.clear();
    this.#counts.clear();
    this.#samples = [];
    return packed(lines, this.#options.bytesMax);
  }

  #sample(name: string, value: number, kind: "h" | "ms"): void {
    if (this.#samples.length < SAMPLES_MAX) this.#samples.push(this.#line(name, value, kind));
  }

  #line(name: string, value: number, kind: "c" | "g" | "h" | "ms"): string {
    return `${this.#options.prefix}${name}:${value}|${kind}${this.#tail}`;
  }
}

/** Lines are ASCII: as many bytes as characters. */
function packed(lines: readonly string[], bytesMax: number): string[] {
  const datagrams: string[] = [];
  let datagram = "";
  for (const line of lines) {
    const isFull = datagram !== "" && datagram.length + 1 + line.length > bytesMax;
    if (isFull) datagrams.push(datagram);
    datagram = isFull || datagram === "" ? line : `${datagram}\n${line}`;
  }
  return datagram === "" ? datagrams : [...datagrams, datagram];
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
