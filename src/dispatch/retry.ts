// What becomes of a request whose worker died: a request is executed again only where that is harmless.

import type { Ticket } from "./ticket.ts";

/**
 * A request that kills its worker must not kill them all: it is tried on so many workers at most. From its second try on it
 * travels alone, so that those that were merely near it are not lost with it.
 */
const DEATHS_MAX = 3;

export type AfterDeath = "retry" | "refuse" | "forget";

/**
 * The front cannot know which of a dead worker's requests had begun: answers leave in batches. So each of them may have. It
 * follows that one which must not run twice never goes ahead (see `mayGoAhead`): it was alone in its slot, and has begun.
 */
export function afterDeath(ticket: Ticket): AfterDeath {
  if (ticket.isAbandoned) return "forget";
  if (ticket.isAnswered || !ticket.job.isReplayable) return "refuse";
  return ticket.deaths < DEATHS_MAX ? "retry" : "refuse";
}

/** May be sent to a worker without a free slot. */
export function mayGoAhead(ticket: Ticket): boolean {
  return ticket.deaths === 0 && ticket.job.isReplayable;
}
