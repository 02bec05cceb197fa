import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { addSamples, exposition, sampleName } from "../../../src/metrics/exposition.ts";
import { FAMILIES } from "../../../src/metrics/families.ts";
import { type FinishedRequest, RequestMetrics } from "../../../src/metrics/request-metrics.ts";

const REQUEST: FinishedRequest = {
  app: "shop",
  method: "GET",
  status: 200,
  elapsedMs: 30,
  queueMs: 2,
  requestBytes: 10,
  responseBytes: 100,
  isWebSocket: false,
};

function countedOf(...requests: readonly Partial<FinishedRequest>[]): Readonly<Record<string, number>> {
  const metrics = new RequestMetrics();
  for (const changes of requests) metrics.add({ ...REQUEST, ...changes });
  return metrics.samples();
}

describe("metrics as Prometheus reads them", () => {
  it("stand below their families, in order, and those without samples are left out", () => {
    const families = [
      { name: "a_total", type: "counter", help: "what a is" },
      { name: "b", type: "gauge", help: "what b is" },
      { name: "c_seconds", type: "histogram", help: "what c is" },
    ] as const;
    const samples = {
      'c_seconds_bucket{le="1"}': 2,
      c_seconds_sum: 0.5,
      'a_total{x="1"}': 3,
      'a_total{x="2"}': 4,
      d: 1,
    };
    equal(
      exposition(families, samples),
      [
        '# HELP a_total what a is\n# TYPE a_total counter\na_total{x="1"} 3\na_total{x="2"} 4\n',
        '# HELP c_seconds what c is\n# TYPE c_seconds histogram\nc_seconds_bucket{le="1"} 2\nc_seconds_sum 0.5\n',
      ].join(""),
    );
  });

  it("have labels whose values cannot break out", () => {
    equal(sampleName("a", { path: 'x"\\\n' }), 'a{path="x\\"\\\\\\n"}');
  });

  it("are one sum of what several processes count", () => {
    deepEqual(addSamples([{ a: 1, b: 2 }, { a: 3 }, {}]), { a: 4, b: 2 });
  });
});

describe("a front's figures of requests", () => {
  it("count by application, method and status; methods that nobody knows are one", () => {
    const samples = countedOf({}, {}, { status: 404 }, { method: "BREW" }, { app: "" });
    equal(samples['tunicorn_requests_total{app="shop",method="GET",code="200"}'], 2);
    equal(samples['tunicorn_requests_total{app="shop",method="GET",code="404"}'], 1);
    equal(samples['tunicorn_requests_total{app="shop",method="other",code="200"}'], 1);
    equal(samples['tunicorn_requests_total{app="",method="GET",code="200"}'], 1);
  });

  it("are histograms in seconds whose buckets hold those before", () => {
    const samples = countedOf({}, { elapsedMs: 3_000 }, { elapsedMs: 60_000 });
    const bucket = (le: string): number | undefined =>
      samples[`tunicorn_request_duration_seconds_bucket{app="shop",le="${le}"}`];
    deepEqual([bucket("0.025"), bucket("0.05"), bucket("5"), bucket("30"), bucket("+Inf")], [0, 1, 2, 2, 3]);
    equal(samples['tunicorn_request_duration_seconds_sum{app="shop"}'], 63.03);
    equal(samples['tunicorn_request_duration_seconds_count{app="shop"}'], 3);
  });

  it("leave WebSockets out of the durations, and what no worker got out of the waiting", () => {
    const samples = countedOf({ status: 101, isWebSocket: true }, { queueMs: -1 });
    equal(samples['tunicorn_request_duration_seconds_count{app="shop"}'], 1);
    equal(samples['tunicorn_request_queue_seconds_count{app="shop"}'], 1);
    equal(samples['tunicorn_response_bytes_total{app="shop"}'], 200);
  });

  it("have a family each", () => {
    const names = new Set(FAMILIES.map(({ name }) => name));
    for (const sample of Object.keys(countedOf({}))) {
      const name = sample.replace(/\{.*/, "");
      equal(names.has(name) || names.has(name.replace(/_(bucket|sum|count)$/, "")), true, sample);
    }
  });
});
