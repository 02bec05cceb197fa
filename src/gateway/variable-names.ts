// What each variable's name means. One for all connections of a front, so that a name is looked at once.

/**
 * `field`: of the client's head. `dropped`: said better elsewhere, or dangerous. `magic`: would change how uWSGI loads code.
 * `alien`: no name that an environ can have from outside. `own`: the web server's, handed on.
 */
export type NameKind = "field" | "dropped" | "magic" | "alien" | "own";

export interface VariableName {
  readonly kind: NameKind;
  /** Of a `field`, in lower case. */
  readonly field: string;
}

export interface VariableNamesOptions {
  /** A variable of this name is not believed; told once for each. */
  onIgnored(name: string): void;
}

const NAMES_MAX = 1024;
const NAME_CHARS_MAX = 65_536;
const TOLD_MAX = 64;

/**
 * The body's length and type come as CONTENT_*; a transfer coding is gone (RFC 3875 §4.1.18 and §4.2); HTTP_PROXY would steer
 * the outgoing requests of CGI-minded libraries (CVE-2016-5385). AUTHORIZATION and its like are the application's.
 */
const DROPPED: ReadonlySet<string> = new Set([
  "HTTP_CONTENT_LENGTH",
  "HTTP_CONTENT_TYPE",
  "HTTP_TRANSFER_ENCODING",
  "HTTP_PROXY",
  "SCGI",
]);
/** Set by web servers, and harmless. */
const HARMLESS_UWSGI: ReadonlySet<string> = new Set(["UWSGI_SCHEME"]);
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

export class VariableNames {
  readonly #options: VariableNamesOptions;
  readonly #names = new Map<string, VariableName>();
  readonly #told = new Set<string>();
  #chars = 0;

  constructor(options: VariableNamesOptions) {
    this.#options = options;
  }

  look(name: string): VariableName {
    return this.#names.get(name) ?? this.#learn(name);
  }

  #learn(name: string): VariableName {
    // Clients choose names of fields, so the memory of them is bounded.
    if (this.#names.size >= NAMES_MAX || this.#chars > NAME_CHARS_MAX) {
      this.#names.clear();
      this.#chars = 0;
    }
    const kind = kindOf(name);
    const field = kind === "field" ? name.slice("HTTP_".length).toLowerCase().replaceAll("_", "-") : "";
    const learned = { kind, field };
    this.#names.set(name, learned);
    this.#chars += name.length;
    if (kind === "magic" || kind === "alien") this.#tell(name);
    return learned;
  }

  #tell(name: string): void {
    if (this.#told.has(name) || this.#told.size >= TOLD_MAX) return;
    this.#told.add(name);
    this.#options.onIgnored(name);
  }
}

function kindOf(name: string): NameKind {
  if (DROPPED.has(name)) return "dropped";
  if (!PLAIN_NAME.test(name)) return "alien"; // wsgi.input, tunicorn.client_disconnected, …
  if (name.startsWith("UWSGI_") && !HARMLESS_UWSGI.has(name)) return "magic";
  if (name.startsWith("PYTHON")) return "magic";
  return name.length > "HTTP_".length && name.startsWith("HTTP_") ? "field" : "own";
}
