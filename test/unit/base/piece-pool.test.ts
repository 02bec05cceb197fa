import { equal, notEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { PiecePool } from "../../../src/base/piece-pool.ts";

describe("piece pool", () => {
  it("hands out again what was given back", () => {
    const pool = new PiecePool();
    const first = pool.take(100_000);
    equal(first.length, 100_000);
    notEqual(pool.take(100_000).buffer, first.buffer);
    pool.giveBack(first);
    const again = pool.take(70_000);
    equal(again.buffer, first.buffer);
    equal(again.length, 70_000);
  });

  it("waits for the last part of a piece that was cut", () => {
    const pool = new PiecePool();
    const piece = pool.take(100_000);
    pool.giveBack(piece.subarray(0, 65_536));
    notEqual(pool.take(100_000).buffer, piece.buffer);
    pool.giveBack(piece.subarray(65_536));
    equal(pool.take(100_000).buffer, piece.buffer);
  });

  it("takes a piece back once", () => {
    const pool = new PiecePool();
    const piece = pool.take(20_000);
    pool.giveBack(piece);
    pool.giveBack(piece);
    notEqual(pool.take(20_000).buffer, pool.take(20_000).buffer);
  });

  it("leaves memory of others alone", () => {
    const pool = new PiecePool();
    const others = Buffer.allocUnsafeSlow(32_768);
    pool.giveBack(others);
    notEqual(pool.take(32_768).buffer, others.buffer);
  });

  it("hands out any length, and keeps a bounded amount", () => {
    const pool = new PiecePool();
    for (const length of [1, 16_384, 16_385, 1_048_576, 1_048_577, 5_000_000])
      equal(pool.take(length).length, length);
    const taken = Array.from({ length: 20 }, () => pool.take(1_000_000));
    for (const piece of taken) pool.giveBack(piece);
    const known = new Set(taken.map((piece) => piece.buffer));
    const kept = Array.from({ length: 20 }, () => pool.take(1_000_000)).filter((piece) =>
      known.has(piece.buffer),
    );
    equal(kept.length, 8);
  });
});
