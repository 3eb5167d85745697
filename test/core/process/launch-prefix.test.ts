/** Commands through another program: exact arguments, and a real shell that reads them back. */
import { describe, expect, test } from "bun:test";
import {
  launched,
  launchFault,
  shellQuoted,
  shellWords,
} from "../../../core/process/launch-prefix.ts";
import { until } from "../../cli/binary.ts";

const start = { command: ["python", "-m", "it's", "a b"], env: { SEED: "0", JSON: '{"a": 1}' } };

describe("a launch template", () => {
  test("left out leaves command and environment unchanged", () => {
    expect(launched(undefined, start)).toEqual({ ...start, holdsStdin: false });
  });

  test("puts a local prefix before the arguments, with the environment in them", () => {
    expect(launched("numactl -N 0 {command}", start)).toEqual({
      command: ["numactl", "-N", "0", "env", "SEED=0", 'JSON={"a": 1}', ...start.command],
      env: {},
      holdsStdin: false,
    });
  });

  test("inside an argument is text that the shell reads back word by word", () => {
    const { command } = launched('bash -c "exec {command}"', {
      command: ["printf", "%s|", "it's", "a b", '{"x": "$HOME"}'],
      env: {},
    });
    expect(Bun.spawnSync([...command]).stdout.toString()).toBe('it\'s|a b|{"x": "$HOME"}|');
  });

  test("gives ssh one text, and keeps stdin open", () => {
    const { command, holdsStdin } = launched("ssh gpu7 {command}", start);
    expect(command.slice(0, 2)).toEqual(["ssh", "gpu7"]);
    expect(command).toHaveLength(3);
    expect(command[2]).toEndWith(` dynbench env SEED=0 'JSON={"a": 1}' python -m 'it'\\''s' 'a b'`);
    expect(holdsStdin).toBe(true);
  });

  test("gives a container the arguments one by one", () => {
    const { command, holdsStdin } = launched("docker run -i --rm image {command}", start);
    expect(command.slice(0, 7)).toEqual(["docker", "run", "-i", "--rm", "image", "sh", "-c"]);
    expect(command.slice(-4)).toEqual([...start.command]);
    expect(holdsStdin).toBe(true);
  });

  test("without a place for the command, or with a container that would stay, is a fault", () => {
    expect(launchFault("ssh gpu7")?.message).toBe("must hold {command} once");
    expect(launchFault("docker run --rm image {command}")?.hint).toContain("docker run -i");
    expect(launchFault("docker run --rm -i image {command}")).toBeUndefined();
    expect(launchFault("ssh gpu7 {command}")).toBeUndefined();
  });
});

describe("the command at the other end", () => {
  /** The arguments after `ssh host`, as the shell there gets them. */
  const remote = (command: readonly string[]): string =>
    launched("ssh there {command}", { command, env: {} }).command[2]!;

  test("ends with its exit code", () => {
    const shell = Bun.spawnSync(["sh", "-c", remote(["sh", "-c", "exit 7"])], {
      stdin: "ignore",
      stdout: "ignore",
    });
    // Stdin is at its end from the start, so the program may have been ended before it could leave.
    expect([7, 143]).toContain(shell.exitCode);
  });

  test("gets a signal to end, and the time to do so", async () => {
    const leaving =
      "trap 'sleep 0.1; echo left; exit 5' TERM; echo up; while :; do sleep 0.02; done";
    const shell = Bun.spawn(["sh", "-c", remote(["sh", "-c", leaving])], {
      stdin: "pipe",
      stdout: "pipe",
    });
    const reader = shell.stdout.getReader();
    const next = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
    expect(await next()).toBe("up\n");
    shell.kill("SIGTERM");
    expect(await next()).toBe("left\n");
    await shell.exited;
  });

  test("returns its exit code while stdin is open, and ends with all its children when stdin closes", async () => {
    const open = Bun.spawn(["sh", "-c", remote(["sh", "-c", "exit 7"])], { stdin: "pipe" });
    expect(await open.exited).toBe(7);
    const family = Bun.spawn(
      ["sh", "-c", remote(["sh", "-c", "sleep 300 & echo $!; echo $$; wait"])],
      { stdin: "pipe", stdout: "pipe" },
    );
    const reader = family.stdout.getReader();
    let text = "";
    while (text.split("\n").length < 3)
      text += new TextDecoder().decode((await reader.read()).value);
    const pids = text.trim().split("\n").map(Number);
    void family.stdin.end();
    await family.exited;
    const isLive = (pid: number): boolean =>
      Bun.spawnSync(["grep", "-q", "State:.[RSD]", `/proc/${pid}/status`]).exitCode === 0;
    expect(await until(() => !pids.some(isLive), 3000)).toBe(true);
  });
});

describe("shell words", () => {
  test("are split at blanks outside quotes", () => {
    expect(shellWords(`a 'b c' "d \\" e" f\\ g  ''`)).toEqual(["a", "b c", 'd " e', "f g", ""]);
    expect(shellWords("  ")).toEqual([]);
  });

  test("are unchanged after quoting and reading back", () => {
    for (const word of ["plain", "it's", "a b", "$HOME", "", "tcp://*:5", '"', "\\"]) {
      expect(shellWords(shellQuoted(word))).toEqual([word]);
    }
  });
});
