// The protocol that a web server speaks on a listener, for one connection after another.

import type { ListenerConfig } from "../config/listener.ts";
import { FastcgiProtocol } from "../gateway/fastcgi-protocol.ts";
import { PacketProtocol } from "../gateway/packet-protocol.ts";
import { ScgiReader } from "../gateway/scgi-reader.ts";
import { UwsgiReader } from "../gateway/uwsgi-reader.ts";
import { VariableNames } from "../gateway/variable-names.ts";
import type { MessageLimits } from "../http/limits.ts";
import type { MessageProtocol } from "../http/message-protocol.ts";
import type { Log } from "../log/log.ts";

export type GatewayName = Exclude<ListenerConfig["protocol"], "http">;

/** How log lines name them. */
export const GATEWAY_TITLES: Readonly<Record<GatewayName, string>> = {
  uwsgi: "uwsgi",
  fastcgi: "FastCGI",
  scgi: "SCGI",
};

export class GatewayProtocols {
  readonly #name: GatewayName;
  readonly #limits: MessageLimits;
  readonly #names: VariableNames;

  constructor(name: GatewayName, limits: MessageLimits, log: Log) {
    this.#name = name;
    this.#limits = limits;
    this.#names = new VariableNames({
      onIgnored: (variable) =>
        log.warning("ignored a variable of the web server's: it cannot choose code or speak for the server", {
          variable,
        }),
    });
  }

  make(): MessageProtocol {
    const limits = this.#limits;
    const names = this.#names;
    switch (this.#name) {
      case "uwsgi":
        return new PacketProtocol({ reader: new UwsgiReader(limits), limits, names, statusForm: "HTTP/1.1" });
      case "scgi":
        return new PacketProtocol({ reader: new ScgiReader(limits), limits, names, statusForm: "Status:" });
      case "fastcgi":
        return new FastcgiProtocol({ limits, names });
    }
  }
}
