// The first frame of every connection of a worker: who it is. Python writes it as JSON, rarely, so clarity wins here.

export interface Hello {
  readonly token: string;
  readonly role: "wire" | "aside";
  readonly pid: number;
  readonly nr: number;
  readonly generation: number;
  readonly interface: "wsgi" | "asgi";
  readonly slots: number;
  readonly version: number;
  /** With --static-django: what the application's settings say. */
  readonly django?: DjangoFolders;
}

export interface DjangoFolders {
  /** `url` begins with a slash, and may end in one; `root` is absolute. */
  readonly folders: readonly { readonly url: string; readonly root: string }[];
  /** Why something that was asked for is not there. */
  readonly problems: readonly string[];
}

/** Beside small things the paths of two folders (PATH_MAX), each byte escaped in JSON. */
const HELLO_BYTES_MAX = 65_536;
const SLOTS_MAX = 1_000_000;

/** The HELLO in a frame's payload, or what is wrong with it. */
export function parseHello(payload: Uint8Array): Hello | { readonly problem: string } {
  if (payload.length > HELLO_BYTES_MAX) return { problem: "hello is too long" };
  const fields = parseObject(payload);
  if (fields === undefined) return { problem: "hello is not a JSON object" };
  const problem = findProblem(fields);
  // Every field was looked at just now.
  return problem === undefined ? (fields as unknown as Hello) : { problem };
}

function parseObject(payload: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString("utf8"));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // not JSON: the caller says so
  }
}

function findProblem(fields: Record<string, unknown>): string | undefined {
  if (typeof fields["token"] !== "string") return "token is not a text";
  if (fields["role"] !== "wire" && fields["role"] !== "aside") return "role is neither wire nor aside";
  if (fields["interface"] !== "wsgi" && fields["interface"] !== "asgi")
    return "interface is neither wsgi nor asgi";
  if (!isCount(fields["pid"]) || fields["pid"] === 0) return "pid is not a process id";
  if (!isCount(fields["nr"])) return "nr is not a count";
  if (!isCount(fields["generation"])) return "generation is not a count";
  if (!isCount(fields["version"])) return "version is not a count";
  const slots = fields["slots"];
  if (fields["django"] !== undefined && !isDjango(fields["django"])) return "django is no list of folders";
  if (!isCount(slots) || slots === 0 || slots > SLOTS_MAX) return "slots is out of range";
  return undefined;
}

function isDjango(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { folders, problems } = value as Record<string, unknown>;
  if (!Array.isArray(folders) || !Array.isArray(problems)) return false;
  return (
    problems.every((problem) => typeof problem === "string") &&
    folders.every((folder) => isPath(folder?.url) && isPath(folder?.root))
  );
}

function isPath(value: unknown): boolean {
  return typeof value === "string" && value.startsWith("/");
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
