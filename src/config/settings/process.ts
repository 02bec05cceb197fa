// Settings: the server as a process of the system, its development helpers, its control, and gunicorn's long tasks.

import { duration } from "../quantity.ts";
import { inert, refused, type SettingsOf, SUPPORTED } from "../setting.ts";
import { choice, count, repeated, SWITCH, text } from "../value-type.ts";

export interface ProcessValues {
  readonly proc_name: string;
  readonly default_proc_name: string;
  readonly daemon: boolean;
  readonly enable_stdio_inheritance: boolean;
  readonly pidfile: string;
  readonly user: string;
  readonly group: string;
  readonly initgroups: boolean;
  readonly worker_tmp_dir: string;
  readonly tmp_upload_dir: string;
}

export const PROCESS_SETTINGS: SettingsOf<ProcessValues> = {
  proc_name: {
    section: "Process",
    flags: ["-n", "--name"],
    type: text("NAME"),
    byDefault: "",
    defaultText: "the application's name",
    doc: "The name of the server's processes in ps and top.",
    status: SUPPORTED,
  },
  default_proc_name: {
    section: "Process",
    flags: [],
    type: text("NAME"),
    byDefault: "",
    doc: "gunicorn's internal default of the process name; configuration file only.",
    status: inert("the name of the processes is --name"),
  },
  daemon: {
    section: "Process",
    flags: ["-D", "--daemon"],
    type: SWITCH,
    byDefault: false,
    doc: "Run in the background: the command ends when the workers are ready, or with the error that kept them from it.",
    status: SUPPORTED,
  },
  enable_stdio_inheritance: {
    section: "Process",
    flags: ["-R", "--enable-stdio-inheritance"],
    type: SWITCH,
    byDefault: false,
    doc: "With --daemon: keep stdout and stderr, which are closed otherwise.",
    status: SUPPORTED,
  },
  pidfile: {
    section: "Process",
    flags: ["-p", "--pid"],
    type: text("FILE"),
    byDefault: "",
    doc: "A file for the process id of the server; a living server's is refused.",
    status: SUPPORTED,
  },
  user: {
    section: "Process",
    flags: ["-u", "--user"],
    type: text("USER"),
    byDefault: "",
    doc: "The user that runs workers and fronts, and owns Unix sockets, when root starts the server.",
    status: SUPPORTED,
  },
  group: {
    section: "Process",
    flags: ["-g", "--group"],
    type: text("GROUP"),
    byDefault: "",
    doc: "The group that runs workers and fronts, and owns Unix sockets, when root starts the server.",
    status: SUPPORTED,
  },
  initgroups: {
    section: "Process",
    flags: ["--initgroups"],
    type: SWITCH,
    byDefault: false,
    doc: "Give the workers all groups of --user.",
    status: SUPPORTED,
  },
  worker_tmp_dir: {
    section: "Process",
    flags: ["--worker-tmp-dir"],
    type: text("DIR"),
    byDefault: "",
    doc: "gunicorn's directory for heartbeat files.",
    status: inert("workers have no heartbeat files; the server knows them by their sockets"),
  },
  tmp_upload_dir: {
    section: "Process",
    flags: [],
    type: text("DIR"),
    byDefault: "",
    doc: "gunicorn's directory for uploads, which it does not read any more; configuration file only.",
    status: inert("request bodies go to the system's temporary folder (TMPDIR)"),
  },
};

export interface DevelopmentValues {
  readonly reload: boolean;
  readonly reload_engine: string;
  readonly reload_extra_files: readonly string[];
  readonly reload_dirs: readonly string[];
  readonly reload_includes: readonly string[];
  readonly reload_excludes: readonly string[];
  readonly reload_delay: number;
  readonly spew: boolean;
}

const PATTERNS = repeated(text("GLOB"));

export const DEVELOPMENT_SETTINGS: SettingsOf<DevelopmentValues> = {
  reload: {
    section: "Development",
    flags: ["--reload"],
    uvicorn: ["--reload"],
    type: SWITCH,
    byDefault: false,
    doc: "Replace the workers when code, templates or what was imported change; requests wait meanwhile. Errors are shown in the browser, with source: for development only.",
    status: SUPPORTED,
  },
  reload_engine: {
    section: "Development",
    flags: ["--reload-engine"],
    type: choice(["auto", "poll", "inotify"]),
    byDefault: "auto",
    doc: "With --reload: how changes are noticed. The system tells of them (inotify, FSEvents, kqueue); poll looks at the files twice a second, for shared folders of virtual machines.",
    status: SUPPORTED,
  },
  reload_extra_files: {
    section: "Development",
    flags: ["--reload-extra-file"],
    type: repeated(text("FILE")),
    byDefault: [],
    doc: "With --reload: a further file to watch, or a pattern (conf/*.yaml, data/**/*.json), also of files that come later. Can be repeated.",
    status: SUPPORTED,
  },
  reload_dirs: {
    section: "Development",
    flags: [],
    uvicorn: ["--reload-dir"],
    type: repeated(text("DIR")),
    byDefault: [],
    defaultText: "--chdir and --pythonpath",
    doc: "With --reload: a directory to watch. Can be repeated. What the application imported is watched wherever it is.",
    status: SUPPORTED,
  },
  reload_includes: {
    section: "Development",
    flags: [],
    uvicorn: ["--reload-include"],
    type: PATTERNS,
    byDefault: [],
    doc: "With --reload: names of files that count in watched directories, beside *.py, templates (*.html, *.jinja, *.j2, *.mako) and .env. Can be repeated.",
    status: SUPPORTED,
  },
  reload_excludes: {
    section: "Development",
    flags: [],
    uvicorn: ["--reload-exclude"],
    type: PATTERNS,
    byDefault: [],
    doc: "With --reload: names of files, or directories, that do not count, beside virtual environments, hidden, build and node_modules directories. Can be repeated.",
    status: SUPPORTED,
  },
  reload_delay: {
    section: "Development",
    flags: [],
    uvicorn: ["--reload-delay"],
    type: duration(0),
    byDefault: 50,
    doc: "With --reload: how long files must rest after a change before the new code starts.",
    status: SUPPORTED,
  },
  spew: {
    section: "Development",
    flags: ["--spew"],
    type: SWITCH,
    byDefault: false,
    doc: "Trace every line that Python executes.",
    status: refused("tracing every line", "use python -m trace"),
  },
};

export interface DirtyValues {
  readonly dirty_apps: readonly string[];
  readonly dirty_workers: number;
  readonly dirty_timeout: number;
  readonly dirty_threads: number;
  readonly dirty_graceful_timeout: number;
}

const DIRTY = refused(
  "gunicorn's pool of dirty workers",
  "run long tasks in a process of their own (Celery, RQ, Dramatiq)",
);

export const DIRTY_SETTINGS: SettingsOf<DirtyValues> = {
  dirty_apps: {
    section: "Long tasks",
    flags: ["--dirty-app"],
    type: repeated(text("APP")),
    byDefault: [],
    doc: "A class for gunicorn's dirty workers.",
    status: DIRTY,
  },
  dirty_workers: {
    section: "Long tasks",
    flags: ["--dirty-workers"],
    type: count(0),
    byDefault: 0,
    doc: "The number of dirty workers.",
    status: DIRTY,
  },
  dirty_timeout: {
    section: "Long tasks",
    flags: ["--dirty-timeout"],
    type: duration(0),
    byDefault: 300_000,
    doc: "How long a dirty worker's task may take.",
    status: DIRTY,
  },
  dirty_threads: {
    section: "Long tasks",
    flags: ["--dirty-threads"],
    type: count(1),
    byDefault: 1,
    doc: "Threads of a dirty worker.",
    status: DIRTY,
  },
  dirty_graceful_timeout: {
    section: "Long tasks",
    flags: ["--dirty-graceful-timeout"],
    type: duration(0),
    byDefault: 30_000,
    doc: "How long dirty workers may still run at a graceful stop.",
    status: DIRTY,
  },
};
