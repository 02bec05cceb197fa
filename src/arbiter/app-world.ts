// What one application needs of the rest of the arbiter.

import type { Config } from "../config/config.ts";
import type { Log } from "../log/log.ts";
import type { AppEvent, ArbiterPorts, ServerFacts } from "./arbiter-ports.ts";
import type { AwakeClock } from "./awake-clock.ts";
import type { Fronts } from "./fronts.ts";
import type { OnAdmitted } from "./listener-keeper.ts";
import type { OomWatch } from "./oom-watch.ts";

export interface AppWorld {
  readonly server: ServerFacts;
  /** What a reload of the whole site reads. */
  readonly siteFiles: readonly string[];
  readonly ports: ArbiterPorts;
  /** Names the application where there are several. */
  readonly log: Log;
  readonly clock: AwakeClock;
  readonly fronts: Fronts;
  readonly oom: OomWatch;
  /** No stop was asked for. */
  readonly isRunning: boolean;
  /** Requests are taken, or fronts finish some: workers are kept. */
  readonly isServing: boolean;
  /** After SIGWINCH: there are no fronts to serve. */
  readonly isAway: boolean;
  /** When a stop ends at the latest. */
  readonly stopDeadlineMs: number;
  take(event: AppEvent): void;
  /** Calls back when fronts have done what this turn tells them, or have not answered in time. */
  whenFrontsHaveObeyed(act: () => void): void;
  /** Opens what its configuration wants to listen on, as ListenerKeeper.admit does. */
  admit(config: Config, onAdmitted: OnAdmitted): boolean;
  /** Its file has changed. */
  reloadSite(): void;
  /** It did not start, and there is no older code to go on with. */
  onNeverServed(exitCode: number): void;
}
