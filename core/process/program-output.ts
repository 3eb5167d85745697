/** Runs a program that prints something and ends; a hanging one is ended. Never throws. */

export interface ProgramOutput {
  /** Of both streams, the errors after the rest. */
  readonly lines: readonly string[];
  /** Undefined when it could not be started or did not end in time. */
  readonly code: number | undefined;
}

/** `env`: variables beside those of this process. */
export async function programOutput(
  command: readonly string[],
  limitMs: number,
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramOutput> {
  try {
    const child = Bun.spawn([...command], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, ...env },
      timeout: limitMs,
      killSignal: "SIGKILL",
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    await child.exited;
    const lines = `${stdout}\n${stderr}`.split("\n").map((line) => line.trim());
    return { lines: lines.filter((line) => line !== ""), code: child.exitCode ?? undefined };
  } catch {
    return { lines: [], code: undefined };
  }
}
