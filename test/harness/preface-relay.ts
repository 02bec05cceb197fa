// Stands between a client and a server: what the client says first goes out behind a preface, in one segment or byte by byte.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Owner } from "./temporary.ts";

export interface RelayOptions {
  readonly port: number;
  readonly preface: Buffer;
  readonly isSplit: boolean;
}

/** The port that clients connect to. */
export async function startRelay(owner: Owner, options: RelayOptions): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const upstream = connect(options.port, "127.0.0.1");
    upstream.setNoDelay(true);
    sockets.push(client, upstream);
    for (const socket of [client, upstream]) socket.on("error", () => {}); // the test sees what it leads to
    client.once("data", (first: Buffer) => {
      const bytes = Buffer.concat([options.preface, first]);
      if (options.isSplit) for (const byte of bytes) upstream.write(Buffer.from([byte]));
      else upstream.write(bytes);
      client.pipe(upstream);
    });
    upstream.pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  owner.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port; // it listens on TCP
}
