// A real nginx before the server under test, with every path of its own in a temporary folder.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { type Owner, temporaryFolder } from "./temporary.ts";
import { eventually } from "./wait.ts";

const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";
const BOOT_MS = 10_000;

/** Why tests behind nginx are left out, or false. */
export const NO_NGINX: string | false =
  spawnSync("nginx", ["-v"]).status === 0 ? false : "nginx is not installed";
export const NO_STREAM: string | false =
  NO_NGINX || (existsSync(STREAM_MODULE) ? false : "nginx's stream module is not installed");

export interface NginxWords {
  /** Directives of the location `/`. */
  readonly pass?: readonly string[];
  /** Directives beside the server. */
  readonly http?: readonly string[];
  /** In place of HTTP: directives of a server of the `stream` module. */
  readonly stream?: readonly string[];
}

/** The port where nginx listens. */
export async function startNginx(owner: Owner, words: NginxWords): Promise<number> {
  const folder = temporaryFolder(owner);
  const port = await freePort();
  mkdirSync(join(folder, "tmp"));
  const path = join(folder, "nginx.conf");
  writeFileSync(path, confOf(words, folder, port));
  const nginx = spawn("nginx", ["-p", folder, "-c", path], { stdio: "ignore" });
  owner.after(async () => {
    if (nginx.exitCode !== null) return;
    nginx.kill("SIGTERM");
    await once(nginx, "exit");
  });
  await eventually(BOOT_MS, "nginx accepts", () => accepts(port));
  return port;
}

function confOf({ pass = [], http = [], stream }: NginxWords, folder: string, port: number): string {
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const load = stream === undefined ? "" : `load_module ${STREAM_MODULE};`;
  const own = `${user} daemon off; pid ${folder}/pid; error_log ${folder}/error.log;`;
  const listen = `listen 127.0.0.1:${port}`;
  const role =
    stream === undefined
      ? `http { access_log off; ${temps(folder)} ${http.join(" ")}
  server { ${listen}; server_name example.org; location / { ${pass.join(" ")} } } }`
      : `stream { server { ${listen}; ${stream.join(" ")} } }`;
  return `${load} ${own}\nevents { worker_connections 256; }\n${role}\n`;
}

function temps(folder: string): string {
  const names = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return names.map((name) => `${name}_temp_path ${folder}/tmp/${name};`).join(" ");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1");
  socket.on("connect", () => resolve(true));
  socket.on("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
