// Reading and changing a ready-made header block: header lines, each with CRLF, and a blank line; latin-1 text.
// Names are given in lower case. What a function does not change, it leaves to the byte.

/** Patterns of the names that this program asks for: constants, and the few that settings name. */
const patterns = new Map<string, RegExp>();

/** The values of all fields of that name, joined as a list (RFC 9110 §5.3); undefined when there is none. */
export function blockValue(block: string, lowerName: string): string | undefined {
  const values = block.match(patternOf(lowerName));
  if (values === null) return undefined;
  return values.map((line) => line.slice(lowerName.length + 1).trim()).join(", ");
}

export function hasField(block: string, lowerName: string): boolean {
  return block.search(patternOf(lowerName)) >= 0;
}

/** Without the lines of those names. */
export function withoutFields(block: string, lowerNames: Iterable<string>): string {
  let text = block;
  for (const name of lowerNames) text = text.replace(patternOf(name), "");
  return text;
}

/** With a field more, before the others. */
export function withField(block: string, name: string, value: string): string {
  return `${name}: ${value}\r\n${block}`;
}

/** Whether a list such as Vary's or Cache-Control's has that member; parameters do not count. */
export function hasMember(list: string, lowerMember: string): boolean {
  return list.split(",").some((member) => bareMember(member) === lowerMember);
}

function bareMember(member: string): string {
  const end = member.search(/[;=]/);
  return (end < 0 ? member : member.slice(0, end)).trim().toLowerCase();
}

function patternOf(lowerName: string): RegExp {
  const made = patterns.get(lowerName);
  if (made !== undefined) return made;
  const escaped = lowerName.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = new RegExp(`^${escaped}:[^\\r\\n]*\\r\\n`, "gim");
  patterns.set(lowerName, pattern);
  return pattern;
}
