// The page that shows a developer why there is no answer: for browsers HTML that needs nothing from anywhere, for others text.
// Only with --reload: it shows source.

import type { FailureCause, FailureFrame } from "./failure-report.ts";

export interface DevFailure {
  /** What could not be done: "GET /users", "The application does not start". */
  readonly title: string;
  /** One line. */
  readonly message: string;
  /** What to try; may be empty. */
  readonly hint: string;
  readonly causes: readonly FailureCause[];
  /** Shown where there are no causes with frames. */
  readonly traceback: string;
}

export interface DevPageOptions {
  /** Which code this page is about: `/-/reload` answers when there is another. */
  readonly version: string;
  /** The page asks for itself again when there is new code; not for what a form has sent. */
  readonly refreshes: boolean;
}

/** So many calls inside libraries, one from another, are shown as one line: a developer looks for code of their own. */
const FOLDED_MIN = 3;

/** Where pages wait for new code. */
export const RELOAD_PATH = "/-/reload";

export function devPageHtml(failure: DevFailure, options: DevPageOptions): string {
  const { title, hint } = failure;
  const last = failure.causes.at(-1);
  const message = last?.message || failure.message;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(message)}</title>
<style>${STYLE}</style>
<main>
<p class="where">${escapeHtml(title)}</p>
<h1>${escapeHtml(message)}</h1>
${hint === "" ? "" : `<p class="hint">${escapeHtml(hint)}</p>\n`}${detail(failure)}
<footer>Shown because the server runs with --reload. ${options.refreshes ? "This page refreshes by itself after the next save." : "Repeat the request after the next save."}</footer>
</main>
${options.refreshes ? script(options.version) : ""}</html>
`;
}

export function devPageText({ title, message, hint, traceback, causes }: DevFailure): string {
  const trace = causes.length === 0 ? traceback : causes.map(causeText).join("\n");
  return [title, message, hint, trace]
    .filter((part) => part !== "")
    .map((part) => `${part.trimEnd()}\n`)
    .join("\n");
}

function detail({ causes, traceback }: DevFailure): string {
  if (causes.length > 0) return causes.map(causeHtml).join("");
  return traceback === "" ? "" : `<pre class="plain">${escapeHtml(traceback)}</pre>`;
}

/** Only what went before has a heading of its own: the last cause is the page's. */
function causeHtml({ message, link, frames }: FailureCause): string {
  const shown = runsOf(frames).map(runHtml).join("");
  if (link === "") return `<section>${shown}</section>`;
  return `<section><h2>${escapeHtml(message)}</h2>${shown}<p class="link">${escapeHtml(link)}</p></section>`;
}

/** Frames that follow one another and are all own or all of libraries. The last frame, where it happened, is a run of its own. */
function runsOf(frames: readonly FailureFrame[]): FailureFrame[][] {
  const runs: FailureFrame[][] = [];
  for (const frame of frames) {
    const run = runs.at(-1);
    const isLast = frame === frames.at(-1);
    if (run === undefined || isLast || run[0]?.own !== frame.own) runs.push([frame]);
    else run.push(frame);
  }
  return runs;
}

function runHtml(run: readonly FailureFrame[]): string {
  const shown = run.map(frameHtml).join("");
  if (run.length < FOLDED_MIN || run[0]?.own === true) return shown;
  return `<details class="library"><summary>${run.length} calls inside libraries</summary>${shown}</details>`;
}

function frameHtml(frame: FailureFrame): string {
  const name = frame.name === "" ? "" : ` in <b>${escapeHtml(frame.name)}</b>`;
  const place = `<code>${escapeHtml(frame.file)}:${frame.line}</code>${name}`;
  const source = frame.source.length === 0 ? "" : `<pre>${frame.source.map(lineHtml, frame).join("")}</pre>`;
  if (frame.own) return `<details open><summary>${place}</summary>${source}</details>`;
  return `<details class="library"><summary>${place}</summary>${source}</details>`;
}

function lineHtml(this: FailureFrame, text: string, index: number): string {
  const number = this.first + index;
  const tag = number === this.line ? "mark" : "span";
  return `<${tag}><i>${number}</i>${escapeHtml(text)}\n</${tag}>`;
}

function causeText({ message, link, frames }: FailureCause): string {
  const lines = frames.map((frame) => {
    const name = frame.name === "" ? "" : `, in ${frame.name}`;
    const source = frame.source[frame.line - frame.first]?.trim() ?? "";
    return `  ${frame.file}:${frame.line}${name}\n${source === "" ? "" : `    ${source}\n`}`;
  });
  return `${lines.join("")}${message}\n${link === "" ? "" : `\n${link}:\n`}`;
}

/** Waits at `/-/reload`; a server that is away for a moment is asked again. */
function script(version: string): string {
  return `<script>
(async () => {
  for (;;) {
    try {
      const answer = await fetch(${JSON.stringify(`${RELOAD_PATH}?${version}`)}, { cache: "no-store" });
      if (answer.status === 205) return location.reload();
      if (answer.status !== 204) return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
})();
</script>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const STYLE = `
:root { --line: #8884; --dim: #667; --mark: #fde2e2; --code: #f6f6f8; }
@media (prefers-color-scheme: dark) { :root { --dim: #99a; --mark: #5a2226; --code: #1c1d22; } }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; border-top: 4px solid #d33; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.4rem; margin: .2rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; overflow-wrap: anywhere; }
.where, .link, footer { color: var(--dim); margin: 0; }
.hint { border-left: 3px solid #d90; padding-left: .8rem; }
.link { text-align: center; margin: 1rem; }
footer { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: .6rem; font-size: .85rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; overflow: hidden; }
summary { padding: .3rem .8rem; cursor: pointer; overflow-wrap: anywhere; font-size: .9rem; }
.library { opacity: .75; }
.library .library { opacity: 1; margin: .5rem; }
pre { margin: 0; padding: .4rem 0; overflow-x: auto; background: var(--code); font: 13px/1.5 ui-monospace, monospace; }
pre.plain { padding: .8rem; border-radius: 6px; }
pre span, pre mark { display: block; padding: 0 .8rem; min-width: max-content; }
pre mark { background: var(--mark); color: inherit; }
pre i { display: inline-block; width: 3rem; color: var(--dim); font-style: normal; user-select: none; }
`;
