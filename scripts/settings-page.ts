// Writes docs/settings.md from the settings table. The page's head is written here too: nothing of it is kept by hand.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defaultText, flagsText } from "../src/cli/help.ts";
import { variableOf } from "../src/config/environment.ts";
import type { AnySetting } from "../src/config/setting.ts";
import { flagsOf, SETTING_ROWS } from "../src/config/settings.ts";

export const SETTINGS_PAGE: string = join(import.meta.dirname, "../docs/settings.md");

const HEAD = `# Settings

Made by \`npm run docs:settings\` from the table in \`src/config/settings.ts\`, which the program itself reads.

Every setting has the flag that gunicorn or uvicorn has for it; where both have one, both work. What is said in several places
is decided by the strongest:

1. the command line
2. \`TUNICORN_<FLAG>\`: \`TUNICORN_LOG_LEVEL=debug\`; several values of one flag are words, quoted as in a shell
3. \`GUNICORN_CMD_ARGS\`: flags, quoted as in a shell
4. \`UVICORN_<FLAG>\`, for uvicorn's flags
5. the configuration file: \`gunicorn.conf.py\` or \`tunicorn.toml\`, or the one that \`-c\` names
6. the platform's variables: ${platformVariables()}, and \`PORT\` for the default address
7. the default

What an \`[apps.NAME]\` table of [tunicorn.toml](routing.md) says is stronger than all of them, for that application.

\`--print-config\` shows each setting's value and which of these it came from. Everything wrong is reported at once, with exit code 2.

Lengths of time are seconds, or have a unit: \`30\`, \`1.5\`, \`500ms\`, \`5m\`, \`1h30m\`. Sizes are bytes, or have a unit of 1024: \`65536\`,
\`64k\`, \`10M\`, \`1G\`. Where gunicorn's flag is a length of time or a size, its plain numbers keep their meaning.

Differences from gunicorn's defaults: \`--keep-alive\` is 75 seconds, not 2, and holds for every worker class; Unix sockets are made
with mode 0660, not 0777; a request body has a limit. Where uvicorn and gunicorn disagree is in
[uvicorn.md](uvicorn.md).
`;

function platformVariables(): string {
  const names = SETTING_ROWS.flatMap(([, setting]) =>
    setting.status.kind === "supported" ? (setting.platformEnv ?? []) : [],
  );
  return names.map((name) => `\`${name}\``).join(", ");
}

/** The whole page. */
export function settingsPage(): string {
  const sections = [...new Set(SETTING_ROWS.map(([, setting]) => setting.section))];
  const supported = sections.map((section) => sectionTable(section)).join("");
  return `${HEAD}${supported}${refusedTable()}${inertTable()}`;
}

function sectionTable(section: string): string {
  const rows = SETTING_ROWS.filter(([, s]) => s.section === section && s.status.kind === "supported");
  if (rows.length === 0) return "";
  const lines = rows.map(([name, setting]) =>
    row([code(name), flagsCell(setting), defaultCell(setting), setting.doc]),
  );
  return `\n## ${section}\n\n${row(["setting", "flags", "default", "meaning"])}|---|---|---|---|\n${lines.join("")}`;
}

function refusedTable(): string {
  const lines = SETTING_ROWS.flatMap(([name, setting]) =>
    setting.status.kind === "refused"
      ? [row([code(name), flagsCell(setting), sentence(setting.status.feature, setting.status.advice)])]
      : [],
  );
  return `\n## Not in this release\n\nKnown from gunicorn and uvicorn. Asking for one is an error that names the missing feature; giving the value that asks for nothing is not.\n\n${row(["setting", "flags", "missing"])}|---|---|---|\n${lines.join("")}`;
}

function inertTable(): string {
  const lines = SETTING_ROWS.flatMap(([name, setting]) =>
    setting.status.kind === "inert" ? [row([code(name), flagsCell(setting), setting.status.note])] : [],
  );
  return `\n## Without a meaning here\n\nTaken with a warning, so that known command lines start.\n\n${row(["setting", "flags", "why"])}|---|---|---|\n${lines.join("")}`;
}

function flagsCell(setting: AnySetting): string {
  if (flagsOf(setting).length === 0)
    return setting.section === "Application" ? `APP, \`${variableOf("TUNICORN", "--app")}\`` : "–";
  return code(flagsText(setting));
}

function defaultCell(setting: AnySetting): string {
  const text = defaultText(setting);
  if (text === "") return "–";
  return setting.defaultText === undefined ? code(text) : text;
}

function sentence(feature: string, advice: string): string {
  return advice === "" ? feature : `${feature}; ${advice}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(SETTINGS_PAGE, settingsPage());
