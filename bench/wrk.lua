-- Arguments after `--`: [body bytes]. With one the load is POST. The result is one line of JSON, in microseconds.

function init(args)
  local body_bytes = tonumber(args[1])
  if body_bytes then
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/octet-stream"
    wrk.body = string.rep("x", body_bytes)
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format(
    '\n{"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"maxUs":%d,"statusErrors":%d,"socketErrors":%d,"timeouts":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.connect + errors.read + errors.write, errors.timeout
  ))
end
