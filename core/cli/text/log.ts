/** The log, on stderr: consola by itself would also write to stdout, which carries results only. */
import { createConsola, LogLevels } from "consola";
import type { Logger } from "../../contract/processes.ts";

/** Colors only on a terminal, unless the user has disabled them. */
export function wantsColor(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}

export function startLog(details: { debug: boolean }): Logger {
  const consola = createConsola({
    level: details.debug ? LogLevels.debug : LogLevels.info,
    stdout: process.stderr,
    stderr: process.stderr,
    formatOptions: { date: false, colors: wantsColor(process.stderr) },
  });
  return {
    info: (message) => consola.info(message),
    warn: (message) => consola.warn(message),
    error: (message) => consola.error(message),
    debug: (message) => consola.debug(message),
  };
}
