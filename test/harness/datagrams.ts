// A Unix datagram socket that a test listens on: systemd's notify socket, or a metrics agent's. Python holds it, for Node cannot.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Owner } from "./temporary.ts";
import { eventually } from "./wait.ts";

export interface Datagram {
  /** Who sent it, as the kernel says (SCM_CREDENTIALS). */
  readonly pid: number;
  readonly text: string;
}

const RECEIVER = `
import json, socket, struct, sys
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
address = sys.argv[1]
sock.bind("\\0" + address[1:] if address.startswith("@") else address)
print(json.dumps({"pid": 0, "text": "listening"}), flush=True)
while True:
    data, extra, _, _ = sock.recvmsg(65536, socket.CMSG_SPACE(12))
    pid = struct.unpack("3i", extra[0][2])[0] if extra else 0
    print(json.dumps({"pid": pid, "text": data.decode()}), flush=True)
`;

export class DatagramReceiver {
  readonly #received: Datagram[] = [];

  get received(): readonly Datagram[] {
    return this.#received.slice(1);
  }

  get lines(): string[] {
    return this.received.flatMap(({ text }) => text.split("\n"));
  }

  async until(
    what: string,
    deadlineMs: number,
    isThere: (lines: readonly string[]) => boolean,
  ): Promise<void> {
    await eventually(deadlineMs, `${what} in ${JSON.stringify(this.received)}`, () => isThere(this.lines));
  }

  /** `address`: a path, or `@name`. */
  static async open(owner: Owner, python: string, address: string): Promise<DatagramReceiver> {
    const receiver = new DatagramReceiver();
    const child = spawn(python, ["-c", RECEIVER, address], { stdio: ["ignore", "pipe", "inherit"] });
    owner.after(() => void child.kill("SIGKILL"));
    createInterface({ input: child.stdout }).on("line", (line) => receiver.#received.push(JSON.parse(line)));
    await eventually(10_000, "the receiver listens", () => receiver.#received.length > 0);
    return receiver;
  }
}
