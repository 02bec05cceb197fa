// Did a request wait although a worker was free? Pure: times in, verdict out; all on one clock, in one unit.

/** A request: sent by the client, run by the application from `start` to `end`. */
export interface Span {
  readonly sent: number;
  readonly start: number;
  readonly end: number;
}

/** For each span, for how much of its wait fewer than `slots` others were running. */
export function idleWaits(spans: readonly Span[], slots: number): number[] {
  return spans.map((span) => idleTimeWithin(spans, slots, span.sent, span.start));
}

function idleTimeWithin(spans: readonly Span[], slots: number, from: number, to: number): number {
  const overlapping = spans.filter((span) => span.start < to && span.end > from);
  const moments = overlapping.flatMap((span) => [
    { at: Math.max(span.start, from), change: 1 },
    { at: Math.min(span.end, to), change: -1 },
  ]);
  moments.sort((a, b) => a.at - b.at);
  let idle = 0;
  let busy = 0;
  let now = from;
  for (const { at, change } of [...moments, { at: to, change: 0 }]) {
    if (busy < slots) idle += at - now;
    busy += change;
    now = at;
  }
  return idle;
}
