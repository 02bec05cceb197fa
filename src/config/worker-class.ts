// Which kind of worker a --worker-class names (peers.md §2.1), and what to say about those that do not exist.

import type { WorkerClass } from "./config.ts";
import { accept, type Given, type Reading, reject, scalarText, type ValueType } from "./value-type.ts";

/** False until the asgi worker is there. The one line to change. */
const ASGI_EXISTS = false;

const ASGI_MISSING = "ASGI comes with the next release; this one runs WSGI applications (sync, gthread)";
const USE_THREADS =
  "use gthread with --threads N: slow clients never hold a worker here, so threads only wait for the application";

const KNOWN: Readonly<Record<string, WorkerClass>> = {
  sync: "sync",
  "egg:gunicorn#sync": "sync",
  "gunicorn.workers.sync.syncworker": "sync",
  gthread: "gthread",
  "egg:gunicorn#gthread": "gthread",
  "gunicorn.workers.gthread.threadworker": "gthread",
  asgi: "asgi",
  "gunicorn.workers.gasgi.asgiworker": "asgi",
  "uvicorn.workers.uvicornworker": "asgi",
  "uvicorn.workers.uvicornh11worker": "asgi",
  "uvicorn_worker.uvicornworker": "asgi",
  "uvicorn_worker.uvicornh11worker": "asgi",
};

const MISSING: Readonly<Record<string, string>> = {
  gevent: `gevent workers do not exist here; ${USE_THREADS}`,
  gevent_wsgi: `gevent workers do not exist here; ${USE_THREADS}`,
  gevent_pywsgi: `gevent workers do not exist here; ${USE_THREADS}`,
  eventlet: `eventlet workers do not exist here, nor in gunicorn since 26.0; ${USE_THREADS}`,
  tornado: "tornado workers do not exist here; a Tornado application runs its own HTTP server",
};

const UNKNOWN = "expected sync or gthread; other worker classes, given as dotted names, cannot be loaded";

export const WORKER_CLASS: ValueType<WorkerClass> = {
  placeholder: "CLASS",
  repeats: false,
  read,
  show: String,
};

function read(given: Given): Reading<WorkerClass> {
  const name = (scalarText(given) ?? "").trim().toLowerCase();
  const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;
  if (known === "asgi" && !ASGI_EXISTS) return reject(ASGI_MISSING);
  if (known !== undefined) return accept(known);
  return reject(missingReason(name));
}

function missingReason(name: string): string {
  if (Object.hasOwn(MISSING, name)) return MISSING[name] ?? UNKNOWN;
  const family = /^(?:gunicorn\.workers\.g?|egg:gunicorn#)(gevent|eventlet|tornado)/.exec(name)?.[1];
  return (family !== undefined ? MISSING[family] : undefined) ?? UNKNOWN;
}
