/**
 * Real-time priority for the processes that a bench measures, where the system allows it: on a shared
 * machine the figure would otherwise include the time for which other programs had the cores.
 */

/** Whether `chrt` is installed and permitted. */
export const isRealTime = Bun.which("chrt") !== null && mayRun(["chrt", "-f", "10", "true"]);

/** The command, with its children, in real time; unchanged where that is not allowed. */
export function inRealTime(command: readonly string[]): string[] {
  return isRealTime ? ["chrt", "-f", "10", ...command] : [...command];
}

/** For the note beside a figure. */
export function priority(): string {
  return isRealTime ? "in real time" : "at ordinary priority";
}

function mayRun(command: string[]): boolean {
  return Bun.spawnSync(command, { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
}
