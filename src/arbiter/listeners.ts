// The listening sockets. Opened once, by the arbiter, and handed to fronts, so that a front can die or be replaced
// while clients wait in the kernel's backlog. The arbiter binds and holds; it never listens or accepts itself, because
// libuv would accept for it: the first front calls listen(2), and the socket then stays listening whoever dies.

import { lookup } from "node:dns/promises";
import { chmodSync, chownSync, fstatSync } from "node:fs";
import net, { isIP } from "node:net";
import { dirname, join } from "node:path";
import { assert } from "../base/assert.ts";
import type { Address, ListenerConfig } from "../config/listener.ts";
import type { ServedListener } from "../control/messages.ts";
import { ListenError } from "./listen-error.ts";
import { freeName, giveName, isWithoutFolder, nameOfSocket, remover, unlinkQuietly } from "./unix-name.ts";

export interface SocketOptions {
  /** Permission bits of a Unix socket. */
  readonly mode: number;
  /** -1: as it is. */
  readonly uid: number;
  readonly gid: number;
  /** SO_REUSEPORT on TCP sockets. */
  readonly reusePort: boolean;
}

export interface Listener {
  readonly served: ServedListener;
  readonly socket: SocketHandle;
  /** Closes the socket here and removes its file, if it is still this one. Harmless when repeated. */
  close(): void;
  /** True: a new server serves the socket as well, so its file stays when this one closes. False: that came to nothing. */
  handOver(isDone: boolean): void;
}

/** A listening socket from the server before: `path` is "" for TCP. */
export interface HandedOver {
  readonly fd: number;
  readonly path: string;
}

/** `wanted` in the order in which the server before had them. An address that is another by now is the descriptor's. */
export function takeOver(sockets: readonly HandedOver[], wanted: readonly ListenerConfig[]): Listener[] {
  return sockets.map(({ fd, path }, id) => {
    const settings = settingsAt(wanted, id);
    const listener = openInherited(fd, { id, settings }, path);
    if (isBoundTo(listener.served, settings.address)) return listener;
    return respoken(listener, { id, settings: { ...settings, address: { kind: "fd", fd } } });
  });
}

function isBoundTo({ kind, port, path }: ServedListener, address: Address): boolean {
  if (address.kind === "tcp") return kind === "tcp" && (address.port === 0 || address.port === port);
  return address.kind === "unix" && address.path === path;
}

/** The same socket with other settings: to fronts it is another listener. */
export function respoken(listener: Listener, { id, settings }: Place): Listener {
  const { kind, host, port, path } = listener.served;
  const address = kind === "tcp" ? `${schemeOf(settings)}://${tcpName(host, port)}` : listener.served.address;
  return { ...listener, served: { id, kind, host, port, path, address, settings } };
}

/** A listener that is to be opened. */
export interface Place {
  readonly id: number;
  readonly settings: ListenerConfig;
}

/** What is spoken on sockets that systemd, or the server before, opened: as the configuration has them in its order, and the first beyond that. */
export function onActivated(
  addresses: readonly Address[],
  wanted: readonly ListenerConfig[],
): ListenerConfig[] {
  return addresses.map((address, index) => ({ ...settingsAt(wanted, index), address }));
}

function settingsAt(wanted: readonly ListenerConfig[], index: number): ListenerConfig {
  const settings = wanted[index] ?? wanted[0];
  assert(settings !== undefined, "a server has a listener");
  return settings;
}

/** Opens all or none. Throws ListenError. */
export async function openListeners(wanted: readonly Place[], options: SocketOptions): Promise<Listener[]> {
  const listeners: Listener[] = [];
  try {
    for (const place of wanted) listeners.push(await openListener(place, options));
  } catch (error) {
    for (const listener of listeners) listener.close();
    throw error;
  }
  return listeners;
}

/** Throws ListenError. */
export function openListener(place: Place, options: SocketOptions): Promise<Listener> {
  const { address } = place.settings;
  switch (address.kind) {
    case "tcp":
      return openTcp(address, options.reusePort, place);
    case "unix":
      return openUnix(address.path, options, place);
    case "fd":
      return Promise.resolve(openInherited(address.fd, place));
  }
}

// ---- Node's one way to bind without listening. It has no types, but cluster is built on it.

interface SocketName {
  address?: string;
  port?: number;
}

/** Node's own object for a socket: what can be sent to another Node process. */
export interface SocketHandle {
  readonly fd: number;
  close(): void;
  /** Not on Unix sockets. */
  getsockname?(out: SocketName): number;
}

/** A bound handle, or libuv's negative error number. `kind` 4, 6, or -1 for a path. */
type CreateServerHandle = (
  address: string | null,
  port: number,
  kind: 4 | 6 | -1 | undefined,
  fd?: number,
  flags?: number,
) => SocketHandle | number;

const { _createServerHandle: createServerHandle } = net as unknown as {
  _createServerHandle: CreateServerHandle;
};

function handleOrThrow(handle: SocketHandle | number, name: string, port: number): SocketHandle {
  if (typeof handle === "number") throw ListenError.fromErrno(handle, name, port);
  return handle;
}

// ---- TCP

type TcpAddress = Extract<Address, { kind: "tcp" }>;

/** libuv's UV_TCP_REUSEPORT. */
const REUSE_PORT = 2;

async function openTcp({ host, port }: TcpAddress, reusePort: boolean, place: Place): Promise<Listener> {
  const ip = isIP(host) === 0 ? await resolve(host, port) : host;
  const name = tcpName(ip, port);
  const flags = reusePort ? REUSE_PORT : 0;
  const handle = handleOrThrow(
    createServerHandle(ip, port, isIP(ip) === 6 ? 6 : 4, undefined, flags),
    name,
    port,
  );
  const bound = boundName(handle);
  // libuv keeps EADDRINUSE to itself until listen(2); a socket that did not get its port tells.
  if (bound.port === 0 || (port !== 0 && bound.port !== port)) {
    handle.close();
    throw new ListenError("EADDRINUSE", name, port);
  }
  return tcpListener(handle, { host, port: bound.port }, place);
}

/** IPv4 first, as gunicorn binds a name. */
async function resolve(host: string, port: number): Promise<string> {
  try {
    return (await lookup(host, { order: "ipv4first" })).address;
  } catch (error) {
    throw new ListenError("ENOTFOUND", tcpName(host, port), port, { cause: error });
  }
}

function boundName(handle: SocketHandle): { readonly address: string; readonly port: number } {
  const name: SocketName = {};
  handle.getsockname?.(name);
  return { address: name.address ?? "", port: name.port ?? 0 };
}

function tcpListener(
  handle: SocketHandle,
  { host, port }: { readonly host: string; readonly port: number },
  place: Place,
): Listener {
  const address = `${schemeOf(place.settings)}://${tcpName(host, port)}`;
  return {
    served: { ...place, kind: "tcp", address, host, port, path: "" },
    socket: handle,
    close: () => handle.close(),
    handOver: () => {},
  };
}

function schemeOf({ protocol, tls }: ListenerConfig): string {
  if (protocol !== "http") return protocol;
  return tls === null ? "http" : "https";
}

function tcpName(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

// ---- Unix

async function openUnix(path: string, owner: SocketOptions, place: Place): Promise<Listener> {
  const isAbstract = path.startsWith("@");
  if (!isAbstract) await freeName(path);
  const handle = isAbstract ? bindPath(`\0${path.slice(1)}`, path) : bindFile(path, owner.mode);
  const listener = unixListener(handle, path, place);
  if (!isAbstract) setOwnerOrClose(listener, owner);
  return listener;
}

function unixListener(handle: SocketHandle, path: string, place: Place): Listener {
  const unlink = path.startsWith("@") ? () => {} : remover(path);
  let state: "open" | "closed" = "open";
  let isHandedOver = false;
  return {
    served: { ...place, kind: "unix", address: `unix:${path}`, host: "", port: 0, path },
    socket: handle,
    close: () => {
      if (state === "closed") return;
      state = "closed";
      handle.close();
      if (!isHandedOver) unlink();
    },
    handOver: (isDone) => {
      isHandedOver = isDone;
    },
  };
}

/**
 * Under a umask, so that at no moment more is allowed than shall be. And under another name first: libuv removes the name
 * it bound when it closes, even if a later server's socket has it by then.
 */
function bindFile(path: string, mode: number): SocketHandle {
  const first = join(dirname(path), `.t${process.pid}`);
  const before = process.umask(~mode & 0o777);
  try {
    const handle = bindPath(first, path);
    giveNameOrClose(first, path, handle);
    return handle;
  } finally {
    process.umask(before);
    unlinkQuietly(first);
  }
}

function bindPath(path: string, name: string): SocketHandle {
  const handle = createServerHandle(path, -1, -1);
  if (typeof handle === "number" && !path.startsWith("\0") && isWithoutFolder(path)) {
    throw new ListenError("ENOENT", `unix:${name}`, 0);
  }
  return handleOrThrow(handle, `unix:${name}`, 0);
}

function giveNameOrClose(first: string, path: string, handle: SocketHandle): void {
  try {
    giveName(first, path);
  } catch (error) {
    handle.close();
    throw error;
  }
}

function setOwnerOrClose(listener: Listener, { uid, gid, mode }: SocketOptions): void {
  const { path, address } = listener.served;
  try {
    if (uid >= 0 || gid >= 0) chownSync(path, uid, gid);
    // chown(2) may clear bits; and a umask can only take bits away.
    chmodSync(path, mode);
  } catch (error) {
    listener.close();
    const refused = ListenError.fromError(error, address);
    throw refused.code === "EPERM" ? new ListenError("FOREIGN_OWNER", address, 0, { cause: error }) : refused;
  }
}

// ---- inherited: fd://N and systemd's LISTEN_FDS

function openInherited(fd: number, place: Place, path: string = ""): Listener {
  const name = `fd://${fd}`;
  if (!isSocket(fd)) throw new ListenError("ENOTSOCK", name, 0);
  const handle = handleOrThrow(createServerHandle(null, 0, undefined, fd), name, 0);
  if (path !== "") return unixListener(handle, path, place);
  if (handle.getsockname === undefined) return inheritedUnix(handle, fd, place);
  const { address: host, port } = boundName(handle);
  return tcpListener(handle, { host, port }, place);
}

function inheritedUnix(handle: SocketHandle, fd: number, place: Place): Listener {
  return {
    served: {
      ...place,
      kind: "unix",
      address: `unix:${nameOfSocket(fd) || `fd:${fd}`}`,
      host: "",
      port: 0,
      path: "",
    },
    socket: handle,
    close: () => handle.close(),
    handOver: () => {},
  };
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    // EBADF: nothing is open there, so it is no socket.
    return false;
  }
}
