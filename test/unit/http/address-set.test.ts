import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { AddressSet, parseAddress } from "../../../src/http/address-set.ts";

describe("address set", () => {
  const cases: readonly (readonly [entry: string, address: string, isMember: boolean])[] = [
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["127.0.0.1", "::ffff:127.0.0.1", true],
    ["10.0.0.0/8", "10.255.1.2", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.1.0.0/12", "10.15.0.1", true],
    ["10.1.0.0/12", "10.16.0.1", false],
    ["192.0.2.7/32", "192.0.2.7", true],
    ["192.0.2.7/32", "192.0.2.6", false],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["::1", "::1", true],
    ["::1", "0:0:0:0:0:0:0:1", true],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["fe80::/10", "fe80::1%eth0", true],
    ["::ffff:10.0.0.0/104", "10.2.3.4", true],
    ["::/0", "2001:db8::1", true],
    ["*", "anything", true],
    ["unix", "unix", true],
    ["unix", "127.0.0.1", false],
  ];
  for (const [entry, address, isMember] of cases) {
    it(`${entry} ${isMember ? "holds" : "does not hold"} ${address}`, () => {
      equal(new AddressSet([entry]).has(address), isMember);
    });
  }

  for (const text of [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "256.1.1.1",
    "1.2.3.x",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8",
    "g::",
    "::12345",
    "1.2.3.4::",
    "::1.2.3.4:5",
  ]) {
    it(`takes "${text}" for no address`, () => {
      equal(parseAddress(text), undefined);
    });
  }

  it("takes a network with an impossible prefix for a literal, which no address equals", () => {
    equal(new AddressSet(["10.0.0.0/33"]).has("10.0.0.1"), false);
  });

  it("has the private networks by one word", () => {
    const own = new AddressSet(["private"]);
    for (const address of [
      "127.0.0.1",
      "10.1.2.3",
      "172.17.0.1",
      "192.168.1.1",
      "::1",
      "fd00::1",
      "fe80::1",
    ]) {
      equal(own.has(address), true, address);
    }
    for (const address of ["8.8.8.8", "172.32.0.1", "2001:db8::1", ""])
      equal(own.has(address), false, address);
  });
});
