// `tunicorn dev [APP]`: what APP is when nobody says so. A command is the very first word; an application of that name is
// `dev:app`. Pure.

import { parseCommandLine } from "../config/command-line.ts";

export type DevReading =
  | { readonly ok: true; readonly argv: readonly string[] }
  | { readonly ok: false; readonly problem: string };

/** Where applications usually are, the first one that is there. */
const USUAL_FILES: readonly string[] = [
  ...["main.py", "app.py", "api.py", "asgi.py", "wsgi.py", "application.py"],
  ...["app/main.py", "app/app.py", "src/main.py", "src/app.py"],
];
/** Django's, which names the settings; `wsgi.py` is beside them or above. */
const DJANGO_FILE = "manage.py";
/** They may name the application. */
const CONFIG_FILES: readonly string[] = ["gunicorn.conf.py", "tunicorn.toml"];

/** What it asks of the folder that it is in. */
export interface DevHost {
  isFile(path: string): boolean;
  readFile(path: string): string | undefined;
}

/** The command line with APP in it, where it is `dev` without one. */
export function completeDevCommand(argv: readonly string[], host: DevHost): DevReading {
  const isFile = (path: string): boolean => host.isFile(path);
  if (argv[0] !== "dev") return { ok: true, argv };
  const { layer, wantsHelp, wantsVersion } = parseCommandLine(argv);
  const isComplete = layer.has("wsgi_app") || layer.has("config") || CONFIG_FILES.some(isFile);
  if (isComplete || wantsHelp || wantsVersion) return { ok: true, argv };
  if (isFile("dev.py") || isFile("dev/__init__.py")) {
    const problem =
      "say which is meant: tunicorn dev:app serves the module dev, tunicorn dev APP another one";
    return { ok: false, problem };
  }
  const app = djangoApp(host) ?? USUAL_FILES.find(isFile);
  if (app !== undefined) return { ok: true, argv: [...argv, app] };
  return {
    ok: false,
    problem: `name the application: tunicorn dev APP (there is no ${[DJANGO_FILE, ...USUAL_FILES].join(", ")})`,
  };
}

/** `shop.wsgi` for a manage.py that names `shop.settings` or `shop.settings.local`. */
function djangoApp({ isFile, readFile }: DevHost): string | undefined {
  const text = isFile(DJANGO_FILE) ? (readFile(DJANGO_FILE) ?? "") : "";
  const [, settings = ""] = /DJANGO_SETTINGS_MODULE["'],\s*["']([\w.]+)["']/.exec(text) ?? [];
  const names = settings.split(".");
  while (names.length > 1) {
    names.pop();
    if (isFile(`${names.join("/")}/wsgi.py`)) return `${names.join(".")}.wsgi`;
  }
  return undefined;
}
