// A program: --reload beside uvicorn's with watchfiles. CPU time of an idle tree, and from the save of a file to the first
// answer of the new code, in turns. Usage: node bench/reload.ts PYTHON [IDLE_SECONDS] [SAVES]
// PYTHON has uvicorn and watchfiles; both servers use it. Times are milliseconds.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readTree } from "./process-tree.ts";

const START_MS = 30_000;
const SETTLE_MS = 3_000;
const BETWEEN_SAVES_MS = 1_500;
const POLL_MS = 2;
const ROOT = resolve(import.meta.dirname, "..");

interface Contender {
  readonly name: string;
  readonly argv: (python: string, port: number) => readonly string[];
}

const CONTENDERS: readonly Contender[] = [
  {
    name: "tunicorn",
    argv: (python, port) => [
      join(ROOT, "bin/tunicorn"),
      ...["--python", python, "--reload", "--host", "127.0.0.1", "--port", String(port), "app:app"],
    ],
  },
  {
    name: "uvicorn",
    argv: (python, port) => [
      ...[python, "-m", "uvicorn", "--reload", "--host", "127.0.0.1", "--port", String(port), "app:app"],
    ],
  },
];

function appText(version: number): string {
  return `VERSION = b"${version}"
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        return await send({"type": "lifespan.shutdown.complete"})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": VERSION})
`;
}

class Running {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #folder: string;
  #version = 1;

  constructor({ name, argv }: Contender, python: string, port: number) {
    this.name = name;
    this.#port = port;
    this.#folder = mkdtempSync(join(tmpdir(), "tunicorn-bench-"));
    writeFileSync(join(this.#folder, "app.py"), appText(1));
    const [command = "", ...args] = argv(python, port);
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
    this.#child = spawn(command, args, { cwd: this.#folder, detached: true, stdio: "ignore", env });
  }

  /** Milliseconds until this version answers. */
  async until(version: number): Promise<number> {
    const begunMs = performance.now();
    while (performance.now() - begunMs < START_MS) {
      if ((await body(this.#port)) === String(version)) return performance.now() - begunMs;
      await sleep(POLL_MS);
    }
    throw new Error(`${this.name} did not serve version ${version}`);
  }

  /** As an editor saves: a new file in the old one's place. */
  save(): Promise<number> {
    this.#version += 1;
    const fresh = join(this.#folder, ".app.py.new");
    writeFileSync(fresh, appText(this.#version));
    renameSync(fresh, join(this.#folder, "app.py"));
    return this.until(this.#version);
  }

  /** Nanoseconds on a CPU and voluntary switches of all threads of the tree. */
  use(): { readonly ns: number; readonly switches: number } {
    const pids = readTree([this.#child.pid ?? 0]).map(({ pid }) => pid);
    const sums = { ns: 0, switches: 0 };
    for (const pid of pids) {
      for (const task of readdirSync(`/proc/${pid}/task`)) {
        const folder = `/proc/${pid}/task/${task}`;
        sums.ns += Number(readFileSync(`${folder}/schedstat`, "latin1").split(" ")[0]);
        const status = readFileSync(`${folder}/status`, "latin1");
        sums.switches += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
      }
    }
    return sums;
  }

  stop(): void {
    process.kill(-(this.#child.pid ?? 0), "SIGKILL"); // its own process group
    for (const { pid } of readTree([this.#child.pid ?? 0])) process.kill(pid, "SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function body(port: number): Promise<string> {
  return new Promise((found) => {
    const asked = request({ port, host: "127.0.0.1", agent: false }, (response) => {
      let text = "";
      response.on("data", (bytes) => (text += bytes)).on("end", () => found(text));
      response.on("error", () => found(""));
    });
    asked.on("error", () => found("")).end();
  });
}

function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => found(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

async function main(python: string, idleSeconds: number, saves: number): Promise<void> {
  const servers: Running[] = [];
  for (const contender of CONTENDERS) servers.push(new Running(contender, python, await freePort()));
  try {
    for (const server of servers) await server.until(1);
    await sleep(SETTLE_MS);
    const before = servers.map((server) => server.use());
    await sleep(idleSeconds * 1000);
    const after = servers.map((server) => server.use());
    const served = servers.map((): number[] => []);
    for (let nr = 0; nr < saves; nr += 1) {
      for (const [index, server] of servers.entries()) {
        served[index]?.push(await server.save());
        await sleep(BETWEEN_SAVES_MS);
      }
    }
    console.log("| server | idle CPU ms/s | wake-ups/s | save to served p50 ms | max ms |");
    console.log("| --- | ---: | ---: | ---: | ---: |");
    for (const [index, { name }] of servers.entries()) {
      const ns = (after[index]?.ns ?? 0) - (before[index]?.ns ?? 0);
      const switches = (after[index]?.switches ?? 0) - (before[index]?.switches ?? 0);
      const times = (served[index] ?? []).toSorted((a, b) => a - b);
      const cells = [ns / 1e6 / idleSeconds, switches / idleSeconds, times[times.length >> 1], times.at(-1)];
      console.log(`| ${name} | ${cells.map((cell) => (cell ?? 0).toFixed(2)).join(" | ")} |`);
    }
  } finally {
    for (const server of servers) server.stop();
  }
}

await main(process.argv[2] ?? "python3", Number(process.argv[3] ?? 20), Number(process.argv[4] ?? 5));
