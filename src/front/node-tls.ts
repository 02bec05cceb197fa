// Node's TLS, loaded when the first listener wants it: it costs a process 2 MB, and most have no certificate to show.

/** Node keeps what it has loaded: asking again costs little. */
export function nodeTls(): typeof import("node:tls") {
  return process.getBuiltinModule("node:tls");
}
