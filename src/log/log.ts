// The error log as every room sees it. Lines are events with fields: `worker exited nr=2 pid=4711 signal=SIGKILL`.

export type LogField = string | number | boolean | null | undefined | readonly unknown[];
export type LogFields = Readonly<Record<string, LogField>>;

export interface Log {
  trace(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warning(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  critical(event: string, fields?: LogFields): void;
}
