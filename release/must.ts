/** A command that has to succeed. */

/** Its standard output; throws with all that it printed. */
export function must(command: readonly string[], cwd = "."): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd });
  if (exitCode === 0) return stdout.toString();
  throw new Error(`${command.join(" ")}:\n${stdout.toString()}${stderr.toString()}`);
}
