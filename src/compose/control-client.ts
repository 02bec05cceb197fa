// One question to a running server's control socket, and its answer.

import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { encodeLine, LineReader, NEED_DATA } from "../control/json-lines.ts";
import { CONTROL_SOCKET_NAME, runtimeFolders } from "./control-place.ts";

const ANSWER_MS = 10_000;

type Message = { readonly type: string; readonly [field: string]: unknown };

export type Asked =
  | { readonly ok: true; readonly reply: Message }
  | { readonly ok: false; readonly problem: string };

/** `socket`: "" for where a server puts it by itself. */
export async function askServer(socket: string, request: Message): Promise<Asked> {
  const path = socket === "" ? findSocket() : socket;
  if (path === undefined) {
    const folders = runtimeFolders(process.env).join(", ");
    const advice = "start the server with --control-socket PATH, and name it here with --socket PATH";
    return { ok: false, problem: `no control socket in ${folders}: ${advice}` };
  }
  try {
    const reply = await exchange(path, request);
    return reply["ok"] === true ? { ok: true, reply } : { ok: false, problem: `${reply["error"]}` };
  } catch (error) {
    return { ok: false, problem: `${path}: ${explain(error)}` };
  }
}

function findSocket(): string | undefined {
  return runtimeFolders(process.env)
    .map((folder) => join(folder, CONTROL_SOCKET_NAME))
    .find((path) => existsSync(path));
}

function explain(error: unknown): string {
  switch (codeOf(error)) {
    case "ENOENT":
      return "there is no such socket: is the server running?";
    case "ECONNREFUSED":
      return "no server listens there";
    case "EACCES":
    case "EPERM":
      return "this user may not open it: ask as the server's user (--control-socket-mode)";
    case "EPIPE":
    case "ECONNRESET":
      return "the server ended the connection";
    case "EAGAIN":
      return "the server does not answer";
    case "EINVAL":
      return "this cannot be the path of a socket: it is too long, perhaps";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function exchange(path: string, request: Message): Promise<Message> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    const reader = new LineReader();
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error("the server does not answer")));
    socket.on("connect", () => socket.write(encodeLine(request)));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the server ended the connection")));
    socket.on("data", (bytes: Buffer) => {
      reader.receive(bytes);
      const event = reader.next();
      if (event === NEED_DATA) return;
      if (event.type === "line") resolve(event.line);
      else reject(new Error(`not an answer: ${event.code}`));
      socket.destroy();
    });
  });
}
