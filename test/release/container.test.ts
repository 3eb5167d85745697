/**
 * The content of an image of the container file, run as in a cluster: root folder read-only, a user
 * without a name and a home, no shell. Building the image itself needs a container engine.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Summary } from "../../core/contract/result.ts";
import { binary, dynbench, emptyFolder, TINY } from "../cli/binary.ts";

const RELEASE = join(import.meta.dir, "../../release");
const folder = emptyFolder();
const root = join(folder, "image");
/** Mounts need rights that not every root has; without them the image is inspected but not run. */
const canMount = Bun.spawnSync([
  ...["unshare", "--mount", "--pid", "--fork", "sh", "-c"],
  "mount -t tmpfs tmpfs /mnt && mkdir /mnt/proc && mount -t proc proc /mnt/proc",
]).success;

/** What a container engine sets up around an image, in mounts of its own. */
const BOX = `
  set -eu
  root=$1; shift
  mount --bind "$root" "$root"
  mount --bind "$root/results" "$root/results"
  mount -o remount,bind,ro "$root"
  mount -t proc proc "$root/proc"
  mount -t tmpfs tmpfs "$root/tmp"
  mount --rbind /dev "$root/dev"
  exec chroot --userspec=12345:54321 "$root" /usr/local/bin/dynbench "$@"`;

beforeAll(() => {
  const made = Bun.spawnSync(["sh", join(RELEASE, "image-root.sh"), binary(), root]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
});

describe("the image", () => {
  test.skipIf(!canMount)(
    "runs read-only, as any user, without a home (skipped without the right to mount)",
    () => {
      const inBox = (...args: string[]) =>
        Bun.spawnSync(
          [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            BOX,
            "box",
            root,
            ...args,
          ],
          { env: { PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" } },
        );
      expect(inBox("--version").stderr.toString()).toBe("");
      const run = inBox("run", ...TINY, "--out", "/results/run", "--json");
      expect([0, 5]).toContain(run.exitCode); // a shared machine may cost the trust
      const summary = JSON.parse(run.stdout.toString()) as Summary;
      expect(summary.cells[0]!.requests.ok).toBe(10);
      expect(existsSync(join(root, "results/run/report.html"))).toBe(true);
      const elsewhere = inBox("run", ...TINY, "--out", "/elsewhere");
      expect(elsewhere.exitCode).toBe(2);
      expect(elsewhere.stderr.toString()).toContain("Cannot write results to /elsewhere");
    },
  );

  test("holds the binary, its C library, and no shell", () => {
    const files = [...new Bun.Glob("**/*").scanSync({ cwd: root, dot: true })];
    const programs = files.filter(
      (path) => !/\.so(\.\d+)*$/.test(path) && !path.startsWith("results"),
    );
    expect(programs).toEqual(["usr/local/bin/dynbench"]);
    expect(files.filter((path) => /\/lib[cm]\.so\.6$/.test(path))).toHaveLength(2);
  });

  test("is made by the container file from existing files, and does not run as root", () => {
    const text = readFileSync(join(RELEASE, "Containerfile"), "utf8");
    const lines = text.split("\n").filter((line) => /^[A-Z]+ /.test(line));
    const copied = lines.flatMap((line) => /^COPY (release\/\S+)/.exec(line)?.[1] ?? []);
    expect(copied).toEqual(["release/image-root.sh"]);
    expect(copied.every((path) => existsSync(join(RELEASE, "..", path)))).toBe(true);
    expect(lines.filter((line) => line.startsWith("FROM")).at(-1)).toBe("FROM scratch");
    expect(lines.find((line) => line.startsWith("USER"))).toMatch(/^USER [1-9]\d*:[1-9]\d*$/);
  });
});

interface Job {
  readonly kind: string;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly restartPolicy: string;
        readonly securityContext: { readonly runAsNonRoot: boolean };
        readonly containers: readonly {
          readonly args: readonly string[];
          readonly securityContext: { readonly readOnlyRootFilesystem: boolean };
          readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
        }[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

describe("the job", () => {
  const documents = Bun.YAML.parse(readFileSync(join(RELEASE, "job.yaml"), "utf8")) as Job[];
  const pod = documents.find(({ kind }) => kind === "Job")!.spec.template.spec;
  const container = pod.containers[0]!;

  test("has the volumes that a read-only root needs: one for results, and one for /tmp", () => {
    expect(pod.restartPolicy).toBe("Never");
    expect(pod.securityContext.runAsNonRoot).toBe(true);
    expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toEqual(["/results", "/tmp"]);
    const volumes = pod.volumes.map(({ name }) => name);
    expect(container.volumeMounts.map(({ name }) => name)).toEqual(volumes);
    expect(container.args[container.args.indexOf("--out") + 1]).toStartWith("/results/");
  });

  test("has a command line that dynbench can plan", async () => {
    const [command, ...args] = container.args;
    expect(command).toBe("run");
    const planned = await dynbench(["plan", "--json", ...args], { cwd: folder });
    expect({ stderr: planned.stderr, exitCode: planned.exitCode }).toEqual({
      stderr: "",
      exitCode: 0,
    });
    expect(JSON.parse(planned.stdout)).toMatchObject({ arms: [{ router: { name: "attach" } }] });
  });
});
