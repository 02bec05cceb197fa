import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { readControlCommand } from "../../../src/cli/control-command.ts";
import { controlText } from "../../../src/cli/control-text.ts";

function read(line: string): ReturnType<typeof readControlCommand> {
  return readControlCommand(line.split(" "));
}

describe("control commands", () => {
  it("are the first word, alone", () => {
    for (const line of ["status:app", "-w 2 status", "app", "status.py", "", "--version", "-- status"]) {
      equal(read(line), undefined, line);
    }
  });

  it("take a socket, and say JSON when asked", () => {
    const command = { request: { type: "status" }, socket: "/run/x.sock", isJson: true };
    deepEqual(read("status --json --socket /run/x.sock"), { kind: "command", command });
    deepEqual(read("status --socket=/run/x.sock --json"), { kind: "command", command });
  });

  it("take what they need and nothing else", () => {
    const request = (line: string): unknown => {
      const reading = read(line);
      if (reading?.kind === "command") return reading.command.request;
      return reading?.kind === "wrong" ? reading.problem : reading?.kind;
    };
    deepEqual(request("stack 42"), { type: "stack", pid: 42 });
    deepEqual(request("scale 4"), { type: "scale", workers: 4 });
    deepEqual(request("scale api 4"), { type: "scale", workers: 4, app: "api" });
    deepEqual(request("reload api"), { type: "reload", app: "api" });
    equal(request("reload api shop"), "reload does not take shop");
    equal(request("status api"), "status does not take api");
    deepEqual(request("stop --quick"), { type: "stop", quick: true });
    equal(request("stack --help"), "help");
    equal(request("stack"), "stack: expected the pid of a worker");
    equal(request("scale -1"), "scale does not take -1");
    equal(request("scale 1 2"), "scale: expected a number of workers");
    equal(request("reload --quick"), "reload does not take --quick");
    equal(request("status --socket"), "--socket expects a path");
  });
});

describe("replies for people", () => {
  it("never let a client write to the operator's terminal", () => {
    const request = {
      id: 1,
      pid: 0,
      elapsedMs: 1500,
      client: "",
      kind: "http",
      method: "GET",
      path: "/\u001b[2J",
    };
    const text = controlText("requests", { requests: [request] });
    match(text, /^1 +waits +1\.5 +unix +http +GET \/\?\[2J$/m);
  });

  it("say so when there is nothing", () => equal(controlText("requests", { requests: [] }), "no requests\n"));
});
