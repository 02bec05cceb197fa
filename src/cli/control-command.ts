// `tunicorn status` and its like: words that talk to a running server. A command is the very first word of the command line;
// an application of that name is served as `status:app`, or with an option in front of it. Pure.

export interface ControlRequest {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface ControlCommand {
  readonly request: ControlRequest;
  /** "" for where a server puts its socket by itself. */
  readonly socket: string;
  readonly isJson: boolean;
}

export type ControlReading =
  | { readonly kind: "command"; readonly command: ControlCommand }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly problem: string };

/** Each word with what follows it; a number where one is needed. */
const COMMANDS: Readonly<Record<string, "pid" | "workers" | undefined>> = {
  status: undefined,
  workers: undefined,
  requests: undefined,
  metrics: undefined,
  stack: "pid",
  reload: undefined,
  scale: "workers",
  stop: undefined,
  reopen: undefined,
};

/** Those that may name an application before anything else. */
const FOR_ONE_APP: ReadonlySet<string> = new Set(["reload", "scale"]);

export const CONTROL_USAGE = `Usage: tunicorn COMMAND [--socket PATH] [--json]

  status          what the server is doing
  workers         its workers: state, age, memory, requests
  requests        what runs and waits now
  metrics         figures in Prometheus's format, as --metrics shows them
  stack PID       the Python stacks of a worker
  reload [APP]    new workers with the code of now, then the old ones end (HUP); of one application only
  scale [APP] N   N workers
  stop [--quick]  end gracefully (TERM), or at once (QUIT)
  reopen          open the log files anew (USR1)
`;

/** Undefined when the command line is no command: then it starts a server. */
export function readControlCommand(argv: readonly string[]): ControlReading | undefined {
  const [word, ...rest] = argv;
  if (word === undefined || !Object.hasOwn(COMMANDS, word)) return undefined;
  return readRest(word, rest);
}

function readRest(word: string, rest: readonly string[]): ControlReading {
  if (rest.includes("--help") || rest.includes("-h")) return { kind: "help" };
  const tokens = rest.flatMap((token) =>
    token.startsWith("--socket=") ? ["--socket", token.slice("--socket=".length)] : [token],
  );
  const numbers: number[] = [];
  const apps: string[] = [];
  let [socket, isJson, quick] = ["", false, false];
  for (let token = tokens.shift(); token !== undefined; token = tokens.shift()) {
    if (token === "--json") isJson = true;
    else if (token === "--quick" && word === "stop") quick = true;
    else if (token === "--socket" && tokens[0] === undefined) return wrong("--socket expects a path");
    else if (token === "--socket") socket = tokens.shift() ?? "";
    else if (/^\d{1,9}$/.test(token)) numbers.push(Number(token));
    else if (FOR_ONE_APP.has(word) && isName(token) && apps.length === 0) apps.push(token);
    else return wrong(`${word} does not take ${token}`);
  }
  const field = COMMANDS[word];
  if (numbers.length !== (field === undefined ? 0 : 1)) return wrong(`${word}: ${expected(field)}`);
  const request = {
    type: word,
    ...(field === undefined ? {} : { [field]: numbers[0] }),
    ...(quick ? { quick } : {}),
    ...(apps.length === 0 ? {} : { app: apps[0] }),
  };
  return { kind: "command", command: { request, socket, isJson } };
}

function isName(token: string): boolean {
  return /^[a-z_][\w-]*$/i.test(token);
}

function expected(field: string | undefined): string {
  if (field === undefined) return "takes no number";
  return field === "pid" ? "expected the pid of a worker" : "expected a number of workers";
}

function wrong(problem: string): ControlReading {
  return { kind: "wrong", problem };
}
