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
/** They may name the application. */
const CONFIG_FILES: readonly string[] = ["gunicorn.conf.py", "tunicorn.toml"];

/** The command line with APP in it, where it is `dev` without one. */
export function completeDevCommand(argv: readonly string[], isFile: (path: string) => boolean): DevReading {
  if (argv[0] !== "dev") return { ok: true, argv };
  const { layer, wantsHelp, wantsVersion } = parseCommandLine(argv);
  const isComplete = layer.has("wsgi_app") || layer.has("config") || CONFIG_FILES.some(isFile);
  if (isComplete || wantsHelp || wantsVersion) return { ok: true, argv };
  if (isFile("dev.py") || isFile("dev/__init__.py")) {
    const problem =
      "say which is meant: tunicorn dev:app serves the module dev, tunicorn dev APP another one";
    return { ok: false, problem };
  }
  const file = USUAL_FILES.find(isFile);
  if (file !== undefined) return { ok: true, argv: [...argv, file] };
  return {
    ok: false,
    problem: `name the application: tunicorn dev APP (there is no ${USUAL_FILES.join(", ")})`,
  };
}
