// A file of users, as htpasswd -B writes it: NAME:HASH in each line. Hashes are bcrypt ($2y$, $2b$, $2a$) or scrypt
// ($scrypt$ln=15,r=8,p=1$SALT$HASH, as passlib writes it). Others are too weak to be taken.

export interface Users {
  /** Name → hash. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Lines that are left out, with the reason. */
  readonly problems: readonly string[];
}

/** Bytes of a file beyond which it is none of users. */
export const USERS_BYTES_MAX: number = 16 * 2 ** 20;

export const BCRYPT: RegExp = /^\$2[aby]\$(?:0[4-9]|1[0-7])\$[./A-Za-z0-9]{53}$/;
/** At most 2^17 · 16 · 128 bytes of memory: 256 MiB. */
export const SCRYPT: RegExp =
  /^\$scrypt\$ln=([1-9]|1[0-7]),r=([1-9]|1[0-6]),p=([1-9]|1[0-6])\$([A-Za-z0-9+/.]{1,128})\$([A-Za-z0-9+/.]{16,128})$/;

export function parseUsers(text: string): Users {
  const hashes = new Map<string, string>();
  const problems: string[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const hash = line.slice(colon + 1);
    const reason = colon < 1 ? "expected NAME:HASH" : judgeUser(name, hash, hashes);
    if (reason === undefined) hashes.set(name, hash);
    else problems.push(`line ${index + 1}: ${reason}`);
  }
  return { hashes, problems };
}

function judgeUser(name: string, hash: string, known: ReadonlyMap<string, string>): string | undefined {
  if (known.has(name)) return `${name} is named twice; the first line counts`;
  if (BCRYPT.test(hash) || SCRYPT.test(hash)) return undefined;
  return `the hash of ${name} is neither bcrypt nor scrypt; htpasswd -B makes a line with bcrypt`;
}
