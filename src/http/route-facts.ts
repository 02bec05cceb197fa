// What the route that took an exchange says of it. Set once, by the router; read by whoever serves the exchange.

export interface RouteFacts {
  /** The part of the path that is the application's SCRIPT_NAME or root_path; never ends in a slash. "" for none. */
  readonly mount: string;
  /** For one request, in place of --timeout; undefined: that counts. */
  readonly timeoutMs: number | undefined;
  /** Who has shown a password to this server; REMOTE_USER of the application. undefined: nobody was asked. */
  readonly user?: string | undefined;
}
