/** Runs the commands of a document in a shell. */
import { expect } from "bun:test";
import { dynbench } from "./binary.ts";

export interface Desk {
  readonly cwd: string;
  /** Folder of the binary, which is on PATH. */
  readonly bin: string;
  readonly home: string;
}

/**
 * Runs them in a shell without any other environment, and returns what they print. Each must succeed;
 * the verdict "not to be trusted" is accepted too, since the machine may be busy.
 */
export async function typed(commands: string, { cwd, bin, home }: Desk): Promise<string> {
  const script = `trap '[ $? = 5 ] || { echo "FAILED: $BASH_COMMAND"; exit 1; }' ERR\n${commands}`;
  const end = await dynbench(["-c", script], {
    ...{ cwd, isBare: true, binary: "/bin/bash" },
    env: { PATH: `${bin}:/usr/bin:/bin`, HOME: home },
  });
  if (![0, 5].includes(end.exitCode!)) throw new Error(`${end.stdout}\n${end.stderr}`);
  expect(end.left).toEqual([]);
  return end.stdout;
}
