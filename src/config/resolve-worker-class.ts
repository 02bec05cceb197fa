// The kind of the workers, out of what was said of their class, what they speak and how many threads they have.

import type { WorkerClass } from "./config.ts";
import type { Problem } from "./problem.ts";
import type { WorkerValues } from "./settings/workers.ts";

const NO_ASGI_THREADS =
  "an asgi worker runs its requests on one event loop; --worker-connections bounds their number";

/** gunicorn's rule: sync with several threads means gthread. Nothing said: the application itself says, once loaded. */
export function resolveWorkerClass(
  values: WorkerValues,
  problems: Problem[],
  warnings: string[],
): WorkerClass {
  const { worker_class: named, interface: spoken, threads } = values;
  const isAsgi = spoken === "asgi3" || spoken === "asgi2";
  if ((named === "asgi" && spoken === "wsgi") || (isAsgi && named !== "asgi" && named !== "auto")) {
    const reason = `a worker of the class ${named} runs no ${isAsgi ? "ASGI" : "WSGI"} application`;
    problems.push({ where: "--interface", given: spoken, reason });
  }
  if (named === "asgi" || isAsgi) {
    if (threads > 1) warnings.push(`--threads has no effect: ${NO_ASGI_THREADS}`);
    return "asgi";
  }
  if (threads > 1) return "gthread";
  return named === "auto" && spoken === "wsgi" ? "sync" : named;
}
