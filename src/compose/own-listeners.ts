// Where the server listens at its start and from a reload on: on sockets that it opens, that systemd has opened, or that the server
// before hands over.

import { ACTIVATED_VARIABLE, activatedAddresses } from "../arbiter/activation.ts";
import { ListenError } from "../arbiter/listen-error.ts";
import {
  type Listener,
  onActivated,
  openListener,
  openListeners,
  type Place,
  type SocketOptions,
  takeOver,
} from "../arbiter/listeners.ts";
import type { Config } from "../config/config.ts";
import type { Address } from "../config/listener.ts";
import type { Log } from "../log/log.ts";
import { groupId, userId } from "../os/account.ts";
import { describePortOwner } from "../os/port-owner.ts";
import { readText } from "../os/read-text.ts";
import { inherited } from "./succession.ts";

/** A port may still be held by a server that is about to end. */
const LISTEN_RETRIES = 5;
const LISTEN_RETRY_MS = 1_000;

/** What is to be spoken, on which sockets, in their order. */
export function wantedPlaces({ listeners }: Config): readonly Place[] {
  const handedOver = inherited(process.env)?.map(({ fd }): Address => ({ kind: "fd", fd }));
  const opened = handedOver ?? activatedAddresses(process.env, process.pid);
  const wanted = opened.length > 0 ? onActivated(opened, listeners) : listeners;
  return wanted.map((settings, id) => ({ id, settings }));
}

/** Undefined, after a clear line in the log, when an address cannot be had. */
export async function openAll(
  config: Config,
  wanted: readonly Place[],
  log: Log,
): Promise<readonly Listener[] | undefined> {
  const options = socketOptions(config);
  if (options === undefined) {
    const { user, group } = config.unixSocket;
    log.error("the owner of Unix sockets does not exist here", { user, group });
    return undefined;
  }
  const handedOver = inherited(process.env);
  if (handedOver !== undefined) return takeOver(handedOver, config.listeners);
  for (let retriesLeft = LISTEN_RETRIES; ; retriesLeft -= 1) {
    try {
      return await openListeners(wanted, options);
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      if (!error.isWorthRetrying || retriesLeft === 0) {
        log.error(error.message, { code: error.code });
        return undefined;
      }
      log.error(`${error.message}${describePortOwner(error.port)}; trying again in 1 second`);
      await new Promise((resolve) => setTimeout(resolve, LISTEN_RETRY_MS));
    }
  }
}

/** For a reload, which tries once: whoever ordered it can order it again. */
export async function openAnew(place: Place, config: Config): Promise<Listener> {
  const options = socketOptions(config);
  if (options !== undefined) return openListener(place, options);
  const { address } = place.settings;
  throw new ListenError("UNKNOWN_OWNER", address.kind === "unix" ? `unix:${address.path}` : address.kind, 0);
}

/** systemd opened them, or did for a server before. */
export function areActivated(): boolean {
  const { env, pid } = process;
  if (inherited(env) !== undefined) return env[ACTIVATED_VARIABLE] !== undefined;
  return activatedAddresses(env, pid).length > 0;
}

function socketOptions(config: Config): SocketOptions | undefined {
  const { mode, user, group } = config.unixSocket;
  const [uid, gid] = [userId(user, readText), groupId(group, readText)];
  return uid === undefined || gid === undefined ? undefined : { mode, uid, gid, reusePort: config.reusePort };
}
