import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as F from "../../../src/h2/frames.ts";
import type { H2Settings } from "../../../src/h2/protocol.ts";
import { H2Player, type H2PlayOptions, readFrames, type SentFrame } from "../../fuzz/h2-driver.ts";
import { frame, headerBlock, request } from "../../harness/h2-client.ts";

const GET = headerBlock(request());
const POST = headerBlock(request({ ":method": "POST" }));
const WHOLE = F.END_STREAM | F.END_HEADERS;

/** A connection that has begun; what was sent so far is forgotten. */
function play(options: H2PlayOptions = {}): H2Player {
  const player = new H2Player({ answers: "at-end", consumes: true, ...options });
  send(player, F.PREFACE + F.settingsFrame([]));
  player.output = "";
  return player;
}

function send(player: H2Player, text: string): SentFrame[] {
  player.receive(Buffer.from(text, "latin1"));
  player.pump();
  const frames = readFrames(player.output);
  player.output = "";
  return frames;
}

const types = (frames: readonly SentFrame[]): number[] => frames.map(({ type }) => type);
const goAwayCode = ({ payload }: SentFrame): number => Buffer.from(payload, "latin1").readUInt32BE(4);

function assertCalmed(frames: readonly SentFrame[]): void {
  const last = frames.at(-1);
  assert.ok(last !== undefined && last.type === F.GOAWAY, "GOAWAY is last");
  assert.equal(goAwayCode(last), F.ENHANCE_YOUR_CALM);
}

describe("the tables of HPACK on a connection", () => {
  it("stay in step when a block that is known by heart changes the table's size", () => {
    const player = play();
    const small = `\x3f\x45${GET}`; // 100 bytes
    send(player, frame(F.HEADERS, F.END_HEADERS, 1, POST));
    send(player, frame(F.HEADERS, WHOLE, 3, small) + frame(F.HEADERS, WHOLE, 5, small));
    send(player, frame(F.HEADERS, WHOLE, 1, "\x3f\xe1\x1f")); // trailers: 4096 bytes, no field
    send(player, frame(F.HEADERS, WHOLE, 7, small));
    const kept = `\x40\x03x-a\x14${"y".repeat(20)}`;
    send(player, frame(F.HEADERS, WHOLE, 9, GET + kept + kept));
    // The first of two was pushed out: there is no second entry.
    const [last] = send(player, frame(F.HEADERS, WHOLE, 11, `${GET}\xbf`)).slice(-1);
    assert.ok(last !== undefined && last.type === F.GOAWAY);
    assert.equal(goAwayCode(last), F.COMPRESSION_ERROR);
  });

  it("are said to be empty to a client that allows smaller ones, once, where it looks for that", () => {
    const player = play();
    send(player, F.settingsFrame([[F.SETTINGS_HEADER_TABLE_SIZE, 0]]));
    send(player, F.settingsFrame([[F.SETTINGS_HEADER_TABLE_SIZE, 100]]));
    const answers = [1, 3].map((id) => send(player, frame(F.HEADERS, WHOLE, id, GET)));
    assert.deepEqual(
      answers.map(([head]) => head?.payload.slice(0, 1)),
      ["\x20", "\x88"],
    );
  });
});

describe("padding", () => {
  it("is given back to the stream's window even when nothing else comes", () => {
    const player = play();
    send(player, frame(F.HEADERS, F.END_HEADERS, 1, POST));
    const padded = frame(F.DATA, F.PADDED, 1, `\xff${"\0".repeat(255)}`);
    const updates = send(player, padded.repeat(300)).filter(({ type }) => type === F.WINDOW_UPDATE);
    assert.ok(updates.some(({ streamId }) => streamId === 1));
    assert.ok(!player.protocol.isFailed);
  });

  it("alone is no way to keep a server busy", () => {
    const player = play();
    send(player, frame(F.HEADERS, F.END_HEADERS, 1, POST));
    assertCalmed(send(player, frame(F.DATA, F.PADDED, 1, "\0").repeat(3_000)));
  });

  it("without its length is no frame", () => {
    const player = play();
    send(player, frame(F.HEADERS, F.END_HEADERS, 1, POST));
    assert.deepEqual(types(send(player, frame(F.DATA, F.PADDED, 1))), [F.GOAWAY]);
  });
});

describe("frames for a stream that was reset by the server", () => {
  const reset = (player: H2Player): unknown =>
    send(player, frame(F.HEADERS, F.END_HEADERS, 1, headerBlock(request({ connection: "close" }))));

  it("are let pass, since they may have been under way", () => {
    const player = play();
    reset(player);
    assert.deepEqual(send(player, frame(F.DATA, 0, 1, "late") + frame(F.HEADERS, WHOLE, 1, GET)), []);
  });

  it("have an end", () => {
    for (const late of [frame(F.DATA, 0, 1, "late"), frame(F.HEADERS, WHOLE, 1, GET)]) {
      const player = play();
      reset(player);
      assertCalmed(send(player, late.repeat(3_000)));
    }
  });
});

describe("windows", () => {
  const tight: Partial<H2Settings> = { windowBytes: 1_000 };

  it("are the default's until the client has read that they are smaller", () => {
    const player = play({ settings: tight, consumes: false });
    send(player, frame(F.HEADERS, F.END_HEADERS, 1, POST) + frame(F.DATA, 0, 1, "y".repeat(16_384)));
    assert.equal(player.protocol.openStreams, 1);
    send(player, F.ACK_SETTINGS + frame(F.HEADERS, F.END_HEADERS, 3, POST));
    const sent = send(player, frame(F.DATA, 0, 3, "y".repeat(1_001)));
    assert.deepEqual(types(sent), [F.RST_STREAM]);
    assert.equal(sent[0]?.streamId, 3);
  });

  it("that are opened byte by byte are no way to keep a server busy", () => {
    const player = play({ answers: "never" });
    send(player, F.settingsFrame([[F.SETTINGS_INITIAL_WINDOW_SIZE, 0]]));
    const long = Buffer.alloc(100_000);
    player.onRequest = (stream) => {
      player.protocol.respond(stream, "\x88");
      player.protocol.write(stream, long, 0, long.length);
    };
    send(player, frame(F.HEADERS, WHOLE, 1, GET));
    let last: SentFrame[] = [];
    for (let i = 0; i < 5_000 && !player.protocol.isFailed; i++) last = send(player, F.windowUpdate(1, 1));
    assertCalmed(last);
  });
});

describe("GOAWAY", () => {
  it("never promises more than it has promised before", () => {
    const player = play({ answers: "never" });
    send(player, frame(F.HEADERS, WHOLE, 1, GET));
    player.protocol.goAway();
    send(player, frame(F.HEADERS, WHOLE, 3, GET));
    const [last] = send(player, frame(F.SETTINGS, 0, 1)).slice(-1);
    assert.ok(last !== undefined && last.type === F.GOAWAY);
    assert.equal(Buffer.from(last.payload, "latin1").readUInt32BE(0), 1);
  });
});
