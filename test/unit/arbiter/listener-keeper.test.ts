import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ListenError } from "../../../src/arbiter/listen-error.ts";
import { ListenerKeeper } from "../../../src/arbiter/listener-keeper.ts";
import type { Listener, Place } from "../../../src/arbiter/listeners.ts";
import { Deferred } from "../../../src/base/deferred.ts";
import type { Config } from "../../../src/config/config.ts";
import { type Address, type ListenerConfig, plainListener } from "../../../src/config/listener.ts";
import { settle } from "../../simulation/arbiter-world.ts";

function tcp(port: number, host: string = "127.0.0.1"): Address {
  return { kind: "tcp", host, port };
}

/** The sockets of a machine: a port can be had once. */
class Machine {
  readonly ports: Set<number> = new Set();
  /** When it answers; at once where there is none. */
  gate: Deferred<void> | undefined;
  /** Refused however free they are. */
  readonly foreign: Set<number> = new Set();

  async open({ id, settings }: Place): Promise<Listener> {
    await this.gate?.promise;
    assert.equal(settings.address.kind, "tcp");
    const { host, port: wanted } = settings.address;
    const port = wanted === 0 ? 1_000 + this.ports.size : wanted;
    if (this.ports.has(port) || this.foreign.has(port)) throw new ListenError("EADDRINUSE", host, port);
    this.ports.add(port);
    const address = `http://${host}:${port}`;
    return {
      served: { id, kind: "tcp", host, port, path: "", address, settings },
      socket: { fd: id, close() {} },
      close: () => this.ports.delete(port),
      handOver() {},
    };
  }
}

interface World {
  readonly machine: Machine;
  readonly keeper: ListenerKeeper;
  /** What was said when something was admitted. */
  readonly said: string[][];
  admit(...wanted: readonly (Address | ListenerConfig)[]): Promise<boolean>;
}

async function worldOf(addresses: readonly Address[], areActivated = false): Promise<World> {
  const machine = new Machine();
  const places = addresses.map((address, id) => ({ id, settings: plainListener(address) }));
  const listeners = await Promise.all(places.map((place) => machine.open(place)));
  const open = (place: Place): Promise<Listener> => machine.open(place);
  const keeper = new ListenerKeeper({ listeners, areActivated, certificates: undefined, open });
  const said: string[][] = [];
  const admit = async (...wanted: readonly (Address | ListenerConfig)[]): Promise<boolean> => {
    const listeners = wanted.map((one) => ("kind" in one ? plainListener(one) : one));
    const isWaiting = keeper.admit({ listeners } as unknown as Config, (problems) =>
      said.push([...problems]),
    );
    await settle();
    return isWaiting;
  };
  return { machine, keeper, said, admit };
}

function addressesOf({ keeper }: World): string[] {
  return keeper.current.map(({ served }) => served.address);
}

describe("listeners at a reload", () => {
  it("stay as they are where the same is wanted", async () => {
    const world = await worldOf([tcp(1), tcp(2)]);
    assert.equal(await world.admit(tcp(1), tcp(2)), false);
    assert.equal(world.keeper.apply(), false);
    assert.deepEqual(world.said, []);
  });

  it("are opened before, and closed after, what a reload tries has come true", async () => {
    const world = await worldOf([tcp(1), tcp(2)]);
    assert.equal(await world.admit(tcp(2), tcp(3)), true);
    assert.deepEqual(world.said, [[]]);
    assert.deepEqual(addressesOf(world), ["http://127.0.0.1:1", "http://127.0.0.1:2"]);
    assert.deepEqual([...world.machine.ports], [1, 2, 3]);
    assert.deepEqual(world.keeper.addresses, ["http://127.0.0.1:2", "http://127.0.0.1:3"]);
    assert.equal(world.keeper.apply(), true);
    assert.deepEqual(addressesOf(world), ["http://127.0.0.1:2", "http://127.0.0.1:3"]);
    assert.deepEqual([...world.machine.ports], [2, 3]);
  });

  it("that were opened are closed again when it comes to nothing", async () => {
    const world = await worldOf([tcp(1)]);
    await world.admit(tcp(2));
    world.keeper.discard();
    assert.deepEqual([...world.machine.ports], [1]);
    assert.equal(world.keeper.apply(), false);
  });

  it("are all named where they cannot be had, and none is left open", async () => {
    const world = await worldOf([tcp(1)]);
    world.machine.foreign.add(3).add(4);
    await world.admit(tcp(1), tcp(2), tcp(3), tcp(4), { kind: "fd", fd: 5 });
    assert.equal(world.said[0]?.length, 3);
    assert.match(
      world.said.join(),
      /in use.*in use.*fd:\/\/5: a descriptor can be given when the server is started/,
    );
    assert.deepEqual([...world.machine.ports], [1]);
    assert.equal(world.keeper.apply(), false);
  });

  it("follow the newest reload, however long the one before takes to open", async () => {
    const world = await worldOf([tcp(1)]);
    const gate = new Deferred<void>();
    world.machine.gate = gate;
    await world.admit(tcp(2));
    await world.admit(tcp(2), tcp(3));
    gate.resolve();
    await settle();
    assert.deepEqual(world.said, [[]], "port 2 was free again");
    assert.equal(world.keeper.apply(), true);
    assert.deepEqual(addressesOf(world), ["http://127.0.0.1:2", "http://127.0.0.1:3"]);
    assert.deepEqual([...world.machine.ports], [2, 3]);
  });

  it("with other settings keep their socket and get another id", async () => {
    const world = await worldOf([tcp(1)]);
    const before = world.keeper.current[0];
    await world.admit({ ...plainListener(tcp(1)), protocol: "scgi" });
    world.keeper.apply();
    const after = world.keeper.current[0];
    assert.equal(after?.socket, before?.socket);
    assert.notEqual(after?.served.id, before?.served.id);
    assert.equal(after?.served.address, "scgi://127.0.0.1:1");
    assert.deepEqual([...world.machine.ports], [1]);
  });

  it("with the same wish for any port are as many as before", async () => {
    const world = await worldOf([tcp(0), tcp(0)]);
    assert.equal(await world.admit(tcp(0), tcp(0)), false);
    await world.admit(tcp(0), tcp(0), tcp(0));
    world.keeper.apply();
    assert.deepEqual([...world.machine.ports], [1_000, 1_001, 1_002]);
    await world.admit(tcp(0));
    world.keeper.apply();
    assert.deepEqual([...world.machine.ports], [1_000]);
  });

  it("that lie over one that is given up are opened when fronts have closed that", async () => {
    const world = await worldOf([tcp(1)]);
    await world.admit(tcp(1, "0.0.0.0"));
    assert.deepEqual(world.said, [[]]);
    world.keeper.apply();
    assert.deepEqual(addressesOf(world), []);
    const said: string[][] = [];
    assert.equal(
      world.keeper.openLate((problems) => said.push([...problems])),
      true,
    );
    await settle();
    assert.deepEqual(said, [[]]);
    assert.deepEqual(addressesOf(world), ["http://0.0.0.0:1"]);
    assert.equal(
      world.keeper.openLate(() => assert.fail("only once")),
      false,
    );
  });

  it("come back where those over them cannot be had in the end", async () => {
    const world = await worldOf([tcp(1)]);
    await world.admit(tcp(1, "0.0.0.0"));
    world.keeper.apply();
    const open = world.machine.open.bind(world.machine);
    world.machine.open = (place) => {
      const { address } = place.settings;
      const isWide = address.kind === "tcp" && address.host === "0.0.0.0";
      return isWide ? Promise.reject(new ListenError("EACCES", "0.0.0.0", 1)) : open(place);
    };
    const said: string[][] = [];
    world.keeper.openLate((problems) => said.push([...problems]));
    await settle();
    assert.match(said.join(), /permission|below 1024/);
    assert.deepEqual(addressesOf(world), ["http://127.0.0.1:1"]);
  });

  it("that systemd gave stay, and only what is spoken on them changes", async () => {
    const world = await worldOf([tcp(1)], true);
    assert.equal(await world.admit(tcp(2)), false);
    assert.equal(await world.admit({ ...plainListener(tcp(2)), protocol: "uwsgi" }), true);
    world.keeper.apply();
    assert.deepEqual(addressesOf(world), ["uwsgi://127.0.0.1:1"]);
  });

  it("are opened no more after the end, and what is being opened is closed", async () => {
    const world = await worldOf([tcp(1)]);
    const gate = new Deferred<void>();
    world.machine.gate = gate;
    await world.admit(tcp(2));
    world.keeper.close();
    gate.resolve();
    await settle();
    assert.deepEqual([...world.machine.ports], []);
    assert.deepEqual(world.said, []);
    assert.equal(await world.admit(tcp(3)), false);
  });
});
