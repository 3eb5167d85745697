/**
 * Names of folders for temporary files. They hold the process, so that what a power cut or a SIGKILL
 * leaves can be told from what is in use: `dynbench-up-4711-gRy6LY`.
 */

const USES = ["up", "pack", "test", "stdin"] as const;
const NAME = new RegExp(`^dynbench-(?:${USES.join("|")})-(\\d+)-[A-Za-z0-9]{6}$`);

/** The beginning of a name, for `mkdtemp`. */
export function temporaryName(use: (typeof USES)[number]): string {
  return `dynbench-${use}-${process.pid}-`;
}

/** Process that made the folder of that name; undefined for a name that is not ours. */
export function makerOf(name: string): number | undefined {
  const match = NAME.exec(name);
  return match ? Number(match[1]) : undefined;
}
