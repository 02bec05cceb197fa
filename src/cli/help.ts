// The text of --help, made from the settings table: grouped, with units, defaults and what does not exist yet.

import { takesValue } from "../config/command-line.ts";
import type { AnySetting, Section } from "../config/setting.ts";
import { flagsOf, SETTING_ROWS } from "../config/settings.ts";

const USAGE = `Usage: tunicorn [OPTIONS] APP
       tunicorn dev [OPTIONS] [APP]

Serves a Python WSGI or ASGI application. APP is MODULE:NAME, MODULE:FACTORY() or a path to a .py file.

  tunicorn -w 4 -b 0.0.0.0:8080 app:app
  tunicorn main:app --host 0.0.0.0 --port 80 --workers 4
  tunicorn dev main:app

tunicorn dev serves with one worker, new code at each save, errors in the browser, and a line for each request.

tunicorn status, workers, requests, metrics, stack PID, reload, scale N, stop and reopen talk to a running server.

Options can also be given in the variables GUNICORN_CMD_ARGS and TUNICORN_<OPTION> (TUNICORN_LOG_LEVEL=debug);
uvicorn's options also in UVICORN_<OPTION>; all of them in gunicorn.conf.py or tunicorn.toml (-c).
The command line is the strongest.

SECONDS take 30, 1.5, 500ms, 5m or 1h30m; SIZE takes 65536, 64k, 10M or 1G.
`;

const WIDTH = 110;
const INDENT = 30;

export function helpText(): string {
  const sections = [...new Set(SETTING_ROWS.map(([, setting]) => setting.section))];
  const about = `\nAbout\n${entry("-h, --help", "Show this and exit.")}${entry("-v, --version", "Show the version and exit.")}`;
  return `${USAGE}${about}${sections.map(sectionText).join("")}${laterText()}`;
}

function sectionText(section: Section): string {
  const rows = SETTING_ROWS.filter(([, setting]) => setting.section === section && isOffered(setting));
  return rows.length === 0 ? "" : `\n${section}\n${rows.map(([, setting]) => settingText(setting)).join("")}`;
}

function isOffered(setting: AnySetting): boolean {
  return setting.status.kind === "supported" && flagsOf(setting).length > 0;
}

function settingText(setting: AnySetting): string {
  const shown = defaultText(setting);
  return entry(flagsText(setting), shown === "" ? setting.doc : `${setting.doc} [${shown}]`);
}

/** `-w, --workers N|auto`; flags that take no value come last. */
export function flagsText(setting: AnySetting): string {
  const flags = flagsOf(setting);
  const takers = flags.filter((flag) => takesValue(flag, setting));
  const switches = flags.filter((flag) => !takesValue(flag, setting));
  const first = takers.length === 0 ? [] : [`${takers.join(", ")} ${setting.type.placeholder}`];
  return [...first, ...switches].join(", ");
}

/** The default as users would write it; "" when it says nothing. */
export function defaultText(setting: AnySetting): string {
  const shown = setting.defaultText ?? setting.type.show(setting.byDefault);
  return setting.type.placeholder === "" && shown === "false" ? "" : shown;
}

/** Flags that are known, and why they do nothing. */
function laterText(): string {
  const named = (kind: "refused" | "inert"): string =>
    wrap(
      SETTING_ROWS.filter(([, setting]) => setting.status.kind === kind)
        .map(([, setting]) => flagsOf(setting).find((flag) => flag.startsWith("--")))
        .filter((flag) => flag !== undefined)
        .join(" "),
      2,
    );
  return `\nKnown from gunicorn and uvicorn, but their features do not exist in this release; using one is an error\n${named(
    "refused",
  )}\nTaken, with a warning that they mean nothing here\n${named("inert")}`;
}

function entry(flags: string, doc: string): string {
  const lines = wrap(doc, INDENT);
  const start = `  ${flags}`;
  if (start.length + 2 > INDENT) return `${start}\n${lines}`;
  return `${start.padEnd(INDENT)}${lines.trimStart()}`;
}

/** Words in lines of at most WIDTH characters, each line indented and ended. */
export function wrap(text: string, indent: number): string {
  const margin = " ".repeat(indent);
  let lines = "";
  let line = margin;
  for (const word of text.split(" ")) {
    const isFull = line.length + 1 + word.length > WIDTH && line.length > indent;
    if (isFull) lines += `${line}\n`;
    line = isFull || line.length === indent ? `${isFull ? margin : line}${word}` : `${line} ${word}`;
  }
  return `${lines}${line}\n`;
}
