// The compressed siblings that a file may have, and which of them a client gets.

import { CodingChoice } from "../../http/accept-encoding.ts";

export type Coding = "br" | "zstd" | "gzip";

/** In our order of preference, with the ends of the siblings' names. */
export const SIBLINGS: readonly { readonly coding: Coding; readonly extension: string }[] = [
  { coding: "br", extension: ".br" },
  { coding: "zstd", extension: ".zst" },
  { coding: "gzip", extension: ".gz" },
];

/** By the codings that there are, between spaces. */
const choices = new Map<string, CodingChoice<Coding>>();

/** The choice among these, in our order; shared by all files that have the same. */
export function choiceAmong(codings: readonly Coding[]): CodingChoice<Coding> {
  const key = codings.join(" ");
  const choice = choices.get(key) ?? new CodingChoice(codings);
  choices.set(key, choice);
  return choice;
}
