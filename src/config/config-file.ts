// Which configuration file a start reads, and in which language it is. Pure: the caller looks whether files are there.

import { resolve as resolvePath } from "node:path";

export type ConfigFile =
  /** `name` is an absolute path, or a module's name; `shown` is how messages call it. */
  | {
      readonly language: "python";
      readonly kind: "file" | "module";
      readonly name: string;
      readonly shown: string;
    }
  | { readonly language: "toml"; readonly name: string; readonly shown: string };

export interface FoundFile {
  readonly file: ConfigFile | undefined;
  readonly warnings: readonly string[];
}

const PYTHON_DEFAULT = "gunicorn.conf.py";
const TOML_DEFAULT = "tunicorn.toml";

/** `named`: the value of --config; "" looks for the two default files in the current directory. */
export function findConfigFile(named: string, cwd: string, isFile: (path: string) => boolean): FoundFile {
  if (named !== "") return { file: namedFile(named, cwd), warnings: [] };
  const hasPython = isFile(resolvePath(cwd, PYTHON_DEFAULT));
  if (isFile(resolvePath(cwd, TOML_DEFAULT))) {
    const warning = `${PYTHON_DEFAULT} is not read, because ${TOML_DEFAULT} is there too; -c names one of them`;
    return { file: namedFile(TOML_DEFAULT, cwd), warnings: hasPython ? [warning] : [] };
  }
  return { file: hasPython ? namedFile(PYTHON_DEFAULT, cwd) : undefined, warnings: [] };
}

/** gunicorn's forms: PATH, file:PATH, python:MODULE. */
function namedFile(named: string, cwd: string): ConfigFile {
  if (named.startsWith("python:")) {
    const name = named.slice("python:".length);
    return { language: "python", kind: "module", name, shown: name };
  }
  const shown = named.replace(/^file:/, "");
  const name = resolvePath(cwd, shown);
  return shown.endsWith(".toml")
    ? { language: "toml", name, shown }
    : { language: "python", kind: "file", name, shown };
}
