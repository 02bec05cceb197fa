// A program: one connection that uploads or downloads again and again. Usage: transfer-client.ts up|down PORT PATH BYTES SECONDS
// Prints { transfers, bytes, durationUs, errors } as JSON. Whole transfers only: it ends with the first one after its time.

import { Agent, request } from "node:http";

const PIECE = Buffer.alloc(65_536, "x");
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

interface Transfer {
  readonly method: "GET" | "POST";
  readonly port: number;
  readonly path: string;
  readonly bytes: number;
}

/** Resolves with whether all bytes went through. */
function transfer({ method, port, path, bytes }: Transfer): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const headers = method === "POST" ? { "Content-Length": bytes } : {};
  const outgoing = request({ host: "127.0.0.1", port, path, method, headers, agent }, (response) => {
    let received = 0;
    let text = "";
    response.on("data", (chunk: Buffer) => {
      received += chunk.length;
      if (method === "POST") text += chunk.toString();
    });
    response.on("error", () => resolve(false));
    response.on("end", () => {
      const isWhole = method === "POST" ? Number(text) === bytes : received === bytes;
      resolve(response.statusCode === 200 && isWhole);
    });
  });
  outgoing.on("error", () => resolve(false));
  if (method === "POST") upload(outgoing, bytes);
  else outgoing.end();
  return promise;
}

function upload(outgoing: ReturnType<typeof request>, bytes: number): void {
  let left = bytes;
  const writeOn = (): void => {
    while (left > 0) {
      const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE;
      left -= piece.length;
      if (!outgoing.write(piece)) return;
    }
    outgoing.off("drain", writeOn);
    outgoing.end();
  };
  outgoing.on("drain", writeOn);
  writeOn();
}

async function main(): Promise<void> {
  const [direction, port, path = "/", bytes, seconds] = process.argv.slice(2);
  const method = direction === "up" ? "POST" : "GET";
  const startedAt = performance.now();
  let transfers = 0;
  let errors = 0;
  while (performance.now() - startedAt < Number(seconds) * 1_000) {
    if (await transfer({ method, port: Number(port), path, bytes: Number(bytes) })) transfers += 1;
    else errors += 1;
  }
  const durationUs = (performance.now() - startedAt) * 1_000;
  console.log(JSON.stringify({ transfers, bytes: transfers * Number(bytes), durationUs, errors }));
  agent.destroy();
}

await main();
