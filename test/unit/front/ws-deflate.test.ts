import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { negotiateDeflate } from "../../../src/front/ws-deflate.ts";
import { wsPackage } from "../../../src/front/ws-package.ts";

function answer(value: string): string | undefined {
  const offers = wsPackage().extension.parse(value)["permessage-deflate"] ?? [];
  return negotiateDeflate(offers, 1_000_000)?.value;
}

describe("compression of WebSocket messages", () => {
  it("asks for small windows where the client can be asked", () => {
    const ours = "permessage-deflate; client_max_window_bits=12; server_max_window_bits=12";
    equal(answer("permessage-deflate; client_max_window_bits"), ours);
    equal(answer("permessage-deflate"), "permessage-deflate; server_max_window_bits=12");
  });

  it("takes a client's smaller windows and its wish for no context", () => {
    equal(
      answer("permessage-deflate; client_max_window_bits=10; server_max_window_bits=9"),
      "permessage-deflate; client_max_window_bits=10; server_max_window_bits=9",
    );
    equal(
      answer("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12",
    );
  });

  it("declines what it cannot do, and takes the next offer", () => {
    for (const parameter of [
      "unknown",
      "server_max_window_bits=8",
      "server_max_window_bits=99",
      "server_max_window_bits=x",
      "server_max_window_bits",
      "client_max_window_bits=7",
      "client_max_window_bits=16",
      "server_no_context_takeover=1",
      "server_no_context_takeover; server_no_context_takeover",
      "__proto__",
    ]) {
      equal(answer(`permessage-deflate; ${parameter}`), undefined, parameter);
      const second = answer(`permessage-deflate; ${parameter}, permessage-deflate`);
      equal(second, "permessage-deflate; server_max_window_bits=12", parameter);
    }
  });
});
