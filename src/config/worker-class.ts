// Which kind of worker a --worker-class names, and what to say about those that do not exist.

import type { WorkerClass } from "./config.ts";
import { accept, type Given, type Reading, reject, scalarText, type ValueType } from "./value-type.ts";

const USE_THREADS =
  "use gthread with --threads N: slow clients never hold a worker here, so threads only wait for the application";

const KNOWN: Readonly<Record<string, WorkerClass>> = {
  auto: "auto",
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

const UNKNOWN =
  "expected auto, sync, gthread or asgi; other worker classes, given as dotted names, cannot be loaded";

/** Well-known classes by a part of their names, the first that fits: what to do instead. */
const ELSEWHERE: readonly (readonly [RegExp, string])[] = [
  [
    /uvicorn\w*$/,
    `${UNKNOWN}; where it is a kind of UvicornWorker say asgi, and what its CONFIG_KWARGS hold as options: --lifespan off, --root-path /x`,
  ],
  [
    /geventwebsocket/,
    `gevent workers do not exist here; WebSockets come to ASGI applications: with -k asgi, python-socketio's by socketio.ASGIApp`,
  ],
  [/meinheld|bjoern|cheroot/, `it is a server of its own; ${USE_THREADS}`],
  [/^sanic\./, "a Sanic application is an ASGI application: say asgi, or leave the worker class out"],
  [/^aiohttp\./, "an aiohttp application speaks HTTP itself: no other server can run it"],
];

export const WORKER_CLASS: ValueType<WorkerClass> = {
  placeholder: "CLASS",
  repeats: false,
  read,
  show: String,
};

function read(given: Given): Reading<WorkerClass> {
  const name = (scalarText(given) ?? "").trim().toLowerCase();
  const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;
  if (known !== undefined) return accept(known);
  return reject(missingReason(name));
}

function missingReason(name: string): string {
  if (Object.hasOwn(MISSING, name)) return MISSING[name] ?? UNKNOWN;
  const family = /^(?:gunicorn\.workers\.g?|egg:gunicorn#)(gevent|eventlet|tornado)/.exec(name)?.[1];
  if (family !== undefined) return MISSING[family] ?? UNKNOWN;
  return ELSEWHERE.find(([pattern]) => pattern.test(name))?.[1] ?? UNKNOWN;
}
