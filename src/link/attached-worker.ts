// A worker whose two sockets, wire and aside, have both arrived and said who they are.

import type { Hello } from "../wire/hello.ts";
import type { Aside } from "./aside.ts";
import type { Link } from "./link.ts";

export interface AttachedWorker {
  readonly hello: Hello;
  readonly link: Link;
  readonly aside: Aside;
}
