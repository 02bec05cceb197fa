// A Chromium without a screen, asked over its DevTools protocol.

import { execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { type Owner, temporaryFolder } from "./temporary.ts";
import { within } from "./wait.ts";

const DEADLINE_MS = 60_000;
const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--ignore-certificate-errors",
  "--remote-debugging-port=0",
];

const COMMAND = NAMES.find(isThere);

/** Why tests that need a browser are left out, or false. */
export const NO_BROWSER: string | false = COMMAND === undefined ? "there is no Chromium" : false;

function isThere(name: string): boolean {
  try {
    execFileSync(name, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    // The next name, or none: the tests say so.
    return false;
  }
}

/** Opens `url`, and answers what the page's `expression`, a promise of JSON, comes to. */
export async function askPage(owner: Owner, url: string, expression: string): Promise<unknown> {
  const target = await within(DEADLINE_MS, "the browser starts", startBrowser(owner));
  const socket = new WebSocket(target);
  owner.after(() => socket.terminate());
  return within(DEADLINE_MS, `${url} answers ${expression}`, converse(socket, url, expression));
}

/** The address of the DevTools of its one page. */
async function startBrowser(owner: Owner): Promise<string> {
  const profile = `--user-data-dir=${temporaryFolder(owner)}`;
  const child = spawn(COMMAND ?? "", [...FLAGS, profile, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true, // a group of its own, with its children
  });
  owner.after(() => endGroup(child.pid));
  for await (const line of createInterface({ input: child.stderr })) {
    const [, host] = /DevTools listening on ws:\/\/([^/]+)\//.exec(line) ?? [];
    if (host === undefined) continue;
    child.stderr.resume();
    return pageOf(host);
  }
  throw new Error("the browser ended");
}

async function pageOf(host: string): Promise<string> {
  const answer = await fetch(`http://${host}/json/list`);
  const targets = (await answer.json()) as { type: string; webSocketDebuggerUrl: string }[]; // as its documentation says
  const page = targets.find(({ type }) => type === "page");
  if (page === undefined) throw new Error("the browser has no page");
  return page.webSocketDebuggerUrl;
}

function converse(socket: WebSocket, url: string, expression: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const ask = (id: number, method: string, params: object = {}): void =>
    socket.send(JSON.stringify({ id, method, params }));
  socket.on("error", reject);
  socket.on("open", () => {
    ask(1, "Page.enable");
    ask(2, "Page.navigate", { url });
  });
  socket.on("message", (data) => {
    const message = JSON.parse(String(data));
    if (message.method === "Page.loadEventFired")
      ask(3, "Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    else if (message.id === 3) resolve(message.result?.result?.value ?? message);
  });
  return promise;
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
