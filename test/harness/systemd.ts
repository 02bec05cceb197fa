// A real systemd, as the manager of one user's units, in namespaces and control groups of its own. Only root can start it so, and only
// where control groups can be made.

import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Owner, temporaryFolder } from "./temporary.ts";
import { eventually } from "./wait.ts";

const MANAGER = "/lib/systemd/systemd";
const START_MS = 10_000;
const CALL_MS = 30_000;
/** Where systemd keeps its groups: version 1, both, or version 2. It must be in a group of its own in each, or takes the machine's. */
const HIERARCHIES: readonly string[] = [
  "/sys/fs/cgroup/systemd",
  "/sys/fs/cgroup/unified",
  "/sys/fs/cgroup",
].filter((place) => existsSync(join(place, "cgroup.procs")));
/** What makes programs believe that systemd runs the machine (sd_booted(3)) is seen here alone. */
const START = `
mount -t tmpfs none /run && mkdir -p /run/systemd/system || exit 1
for group; do echo $$ > "$group/cgroup.procs" || exit 1; done
exec ${MANAGER} --user --log-target=console --log-level=warning
`;

/** Why there is none here, or false. */
export const NO_SYSTEMD: string | false = whyNot();

function whyNot(): string | false {
  if (process.getuid?.() !== 0 || !existsSync(MANAGER)) return "no systemd that could be started here";
  try {
    execFileSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/run"], { stdio: "ignore" });
    for (const group of makeGroups("probe")) rmdirSync(group);
    return HIERARCHIES.length > 0 ? false : "no control groups here";
  } catch {
    // No namespaces or no control groups for us, as in most containers.
    return "no namespaces or control groups can be made here";
  }
}

function makeGroups(name: string): readonly string[] {
  const groups = HIERARCHIES.map((place) => join(place, `tunicorn-test-${process.pid}-${name}`));
  for (const group of groups) mkdirSync(group);
  return groups;
}

/** systemd has removed its own by then, if it ended well. */
function removeGroup(group: string): void {
  if (!existsSync(group)) return;
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroup(join(group, entry.name));
  }
  rmdirSync(group);
}

export class Systemd {
  /** What units may write to. */
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;
  #output = "";

  private constructor(folder: string) {
    this.folder = folder;
    this.#env = {
      PATH: process.env["PATH"],
      HOME: folder,
      XDG_RUNTIME_DIR: join(folder, "run"),
      XDG_CONFIG_HOME: join(folder, "config"),
    };
  }

  /** `units`: name → text. */
  static async start(owner: Owner, units: Readonly<Record<string, string>>): Promise<Systemd> {
    const systemd = new Systemd(temporaryFolder(owner, { "run/.here": "" }));
    const place = join(systemd.folder, "config/systemd/user");
    mkdirSync(place, { recursive: true });
    for (const [name, text] of Object.entries(units)) writeFileSync(join(place, name), text);
    const groups = makeGroups("systemd");
    const manager = spawn("unshare", ["--mount", "sh", "-c", START, "sh", ...groups], {
      env: systemd.#env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = new Promise<void>((resolve) => manager.on("close", () => resolve()));
    owner.after(async () => {
      manager.kill("SIGTERM");
      await ended;
      for (const group of groups) removeGroup(group);
    });
    systemd.#listen(manager);
    await eventually(START_MS, `systemd is up; it said: ${systemd.#output}`, () => systemd.#isUp());
    return systemd;
  }

  #listen(manager: ChildProcess): void {
    for (const stream of [manager.stdout, manager.stderr]) {
      stream?.on("data", (bytes: Buffer) => {
        this.#output += bytes.toString();
      });
    }
  }

  #isUp(): Promise<boolean> {
    return this.control("show", "-P", "Version").then(
      () => true,
      () => false,
    );
  }

  /** What `systemctl` prints. Rejects when it fails. */
  async control(...words: readonly string[]): Promise<string> {
    const call = promisify(execFile);
    const { stdout } = await call("systemctl", ["--user", "--no-pager", ...words], {
      env: this.#env,
      timeout: CALL_MS,
    });
    return stdout.trim();
  }

  /** A property of a unit. */
  show(unit: string, property: string): Promise<string> {
    return this.control("show", "-P", property, unit);
  }
}
