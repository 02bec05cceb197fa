// A log whose every line carries the same fields besides its own.

import type { Log, LogFields } from "../log/log.ts";

export function namedLog(log: Log, name: LogFields): Log {
  return {
    trace: (event, fields) => log.trace(event, { ...name, ...fields }),
    debug: (event, fields) => log.debug(event, { ...name, ...fields }),
    info: (event, fields) => log.info(event, { ...name, ...fields }),
    warning: (event, fields) => log.warning(event, { ...name, ...fields }),
    error: (event, fields) => log.error(event, { ...name, ...fields }),
    critical: (event, fields) => log.critical(event, { ...name, ...fields }),
  };
}
