/**
 * This program as Bun itself. The binary holds a package manager, a bundler and a test runner, so a
 * host needs nothing else to add, pack or test a plugin.
 */

export interface BunEnd {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  /** stdout and stderr; empty where they were shown as they came. */
  readonly output: string;
}

export interface BunTask {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it prints goes to the terminal; else it is kept. */
  readonly isShown?: boolean;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

/** Runs `bun ARGS…`; arguments reach it as they are, no shell between. */
export async function runBun(args: readonly string[], task: BunTask): Promise<BunEnd> {
  const output = task.isShown ? "inherit" : "pipe";
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: task.cwd,
    // Without orphans: it ends with this process, however that ends.
    env: {
      ...process.env,
      ...task.env,
      BUN_BE_BUN: "1",
      BUN_FEATURE_FLAG_NO_ORPHANS: "1",
    },
    stdin: "ignore",
    stdout: output,
    stderr: output,
    ...(task.signal ? { signal: task.signal } : {}),
  });
  const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
  await child.exited;
  return { exitCode: child.exitCode ?? undefined, output: `${stdout}${stderr}` };
}

function textOf(stream: ReadableStream<Uint8Array> | undefined): Promise<string> | string {
  return stream ? new Response(stream).text() : "";
}
