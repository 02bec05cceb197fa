import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Place, Roll } from "../../../src/base/roll.ts";
import { collectAll, oldGenerationBytes } from "../../harness/heap.ts";

class Member {
  readonly name: number;
  readonly ballast: readonly number[] = new Array<number>(128).fill(0);
  readonly place: Place<Member> = new Place();

  constructor(name: number) {
    this.name = name;
  }
}

const newRoll = (): Roll<Member> => new Roll((member) => member.place);

function namesIn(roll: Roll<Member>): number[] {
  const names: number[] = [];
  for (let one = roll.first; one !== undefined; one = roll.after(one)) names.push(one.name);
  return names;
}

describe("roll", () => {
  it("keeps the order of entry, whoever leaves", () => {
    const roll = newRoll();
    const members = Array.from({ length: 6 }, (_, name) => new Member(name));
    for (const one of members) roll.add(one);
    for (const name of [0, 3, 5]) assert.equal(roll.delete(members[name] as Member), true);
    assert.deepEqual(namesIn(roll), [1, 2, 4]);
    assert.deepEqual(roll.toArray(), [members[1], members[2], members[4]]);
    roll.add(members[0] as Member);
    assert.deepEqual(namesIn(roll), [1, 2, 4, 0]);
    assert.equal(roll.size, 4);
  });

  it("is empty again when all have left", () => {
    const roll = newRoll();
    const member = new Member(1);
    roll.add(member);
    roll.delete(member);
    assert.equal(roll.first, undefined);
    assert.equal(roll.size, 0);
  });

  it("deletes nobody who is not there, nor who stands in another roll", () => {
    const [roll, other] = [newRoll(), newRoll()];
    const member = new Member(1);
    assert.equal(roll.delete(member), false);
    other.add(member);
    assert.equal(roll.delete(member), false);
    assert.deepEqual(namesIn(other), [1]);
  });

  it("takes nobody twice", () => {
    const roll = newRoll();
    const member = new Member(1);
    roll.add(member);
    assert.throws(() => roll.add(member), /once/);
  });

  it("keeps nothing alive of what has left", () => {
    const roll = newRoll();
    comeAndGo(roll);
    collectAll(); // what the roll holds now is in the old generation
    const before = oldGenerationBytes();
    comeAndGo(roll);
    assert.ok(oldGenerationBytes() - before < 4_000_000, "what came and went is in the old generation, too");
  });
});

/** 100,000 members of about 1 kB, of which 32 are there at a time. */
function comeAndGo(roll: Roll<Member>): void {
  for (let name = 0; name < 100_000; name++) {
    roll.add(new Member(name));
    if (roll.size > 32) roll.delete(roll.first as Member);
  }
}
