// The variables of one request while they are read: names and values, latin-1, one after the other, within the limits.

import type { MessageLimits } from "../http/limits.ts";
import type { GatewayFault } from "./fault.ts";

/** What a web server sets beside the client's fields, and administrators add: far more than anybody has. */
const OWN_VARIABLES_MAX = 200;

export class VariableList {
  fault: GatewayFault = "ERR_GATEWAY_VARIABLE";
  /** name, value, name, value, … */
  readonly flat: string[] = [];
  readonly #limits: MessageLimits;
  #fields = 0;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  /** False, with `fault` set, when the request is to be refused. */
  add(name: string, value: string): boolean {
    if (name === "" || CONTROL.test(name) || value.includes("\0")) return this.#fail("ERR_GATEWAY_VARIABLE");
    if (name.startsWith("HTTP_") && !this.#admitField(name, value)) return false;
    const ownMax = OWN_VARIABLES_MAX + this.#fields;
    if (this.flat.length >= ownMax * 2) return this.#fail("ERR_GATEWAY_VARIABLES_TOO_MANY");
    this.flat.push(name, value);
    return true;
  }

  #admitField(name: string, value: string): boolean {
    const { fieldsMax, fieldBytesMax } = this.#limits;
    if (++this.#fields > fieldsMax) return this.#fail("ERR_GATEWAY_VARIABLES_TOO_MANY");
    const isTooLong = fieldBytesMax > 0 && name.length + value.length > fieldBytesMax;
    return !isTooLong || this.#fail("ERR_GATEWAY_VARIABLE_TOO_LARGE");
  }

  #fail(fault: GatewayFault): false {
    this.fault = fault;
    return false;
  }
}

const CONTROL = /[\0-\x20\x7f]/;
