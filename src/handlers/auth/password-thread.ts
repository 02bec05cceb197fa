// Compares passwords with hashes in a thread of its own: a hash takes tenths of a second on purpose, and requests must not wait.

import { scryptSync, timingSafeEqual } from "node:crypto";
import { parentPort } from "node:worker_threads";
import { compareSync } from "bcryptjs";
import { SCRYPT } from "./users.ts";

export interface PasswordQuestion {
  readonly id: number;
  readonly password: string;
  readonly hash: string;
}

export interface PasswordAnswer {
  readonly id: number;
  readonly isRight: boolean;
}

parentPort?.on("message", ({ id, password, hash }: PasswordQuestion) => {
  const answer: PasswordAnswer = { id, isRight: isRight(password, hash) };
  parentPort?.postMessage(answer);
});

function isRight(password: string, hash: string): boolean {
  const scrypt = SCRYPT.exec(hash);
  if (scrypt === null) return compareSync(password, hash);
  const [, ln, r, p, salt = "", wanted = ""] = scrypt;
  const expected = fromBase64(wanted);
  const options = { N: 2 ** Number(ln), r: Number(r), p: Number(p), maxmem: SCRYPT_BYTES_MAX };
  return timingSafeEqual(scryptSync(password, fromBase64(salt), expected.length, options), expected);
}

const SCRYPT_BYTES_MAX = 512 * 2 ** 20;

/** passlib writes "." where base64 has "+". */
function fromBase64(text: string): Buffer {
  return Buffer.from(text.replaceAll(".", "+"), "base64");
}
