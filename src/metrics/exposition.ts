// Prometheus's text format, version 0.0.4: what there is to tell, and samples put below their families. Pure.

/** Values by name with labels, as they stand in the text: `tunicorn_workers{app="shop",state="ready"}`. */
export type Samples = Readonly<Record<string, number>>;

export interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
}

export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const SUFFIXES = /_(?:bucket|sum|count)$/;

/** `name{a="b"}`. Values with quotes, backslashes and line ends are escaped. */
export function sampleName(name: string, labels: Readonly<Record<string, string | number>> = {}): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(String(value))}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}

/** Of several processes: what they count is one sum. */
export function addSamples(all: readonly Samples[]): Samples {
  const sums = new Map<string, number>();
  for (const samples of all) {
    for (const [name, value] of Object.entries(samples)) sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return Object.fromEntries(sums);
}

/** Families without samples are left out, and samples without a family. */
export function exposition(families: readonly Family[], samples: Samples): string {
  const lines = Map.groupBy(Object.entries(samples), ([name]) => familyOf(name, families));
  return families
    .filter((family) => lines.has(family))
    .map((family) => {
      const { name, type, help } = family;
      const texts = (lines.get(family) ?? []).map(([sample, value]) => `${sample} ${value}\n`);
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${texts.join("")}`;
    })
    .join("");
}

function familyOf(sample: string, families: readonly Family[]): Family | undefined {
  const name = sample.replace(/\{.*$/s, "");
  const base = name.replace(SUFFIXES, "");
  return families.find((family) => family.name === (family.type === "histogram" ? base : name));
}
