/** Release notes from the git log. A commit's subject names its part before a colon. */

export interface Commit {
  /** Abbreviated. */
  readonly hash: string;
  readonly subject: string;
}

export interface Release {
  readonly version: string;
  /** `2026-11-24`. */
  readonly date: string;
  /** The tag that the log begins after; none for the first release. */
  readonly since?: string;
}

/** Output of `git log --format=%h%x09%s`. */
export function parseLog(text: string): readonly Commit[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [hash = "", ...subject] = line.split("\t");
      return { hash, subject: subject.join("\t") };
    });
}

/** Markdown: the parts by name, in each its changes as they were made. `commits`: newest first. */
export function releaseNotes(release: Release, commits: readonly Commit[]): string {
  const parts = new Map<string, string[]>();
  for (const { hash, subject } of commits.toReversed()) {
    const [, part = "other", change = subject] = /^([a-z][a-z0-9 ,/-]*): (.+)$/.exec(subject) ?? [];
    parts.set(part, [...(parts.get(part) ?? []), `- ${change} (${hash})`]);
  }
  const sections = [...parts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([part, lines]) => `## ${part}\n\n${lines.join("\n")}\n`);
  const scope = release.since === undefined ? "The first release" : `Since ${release.since}`;
  const count = `${commits.length} ${commits.length === 1 ? "change" : "changes"}`;
  return `# dynbench ${release.version}\n\n${release.date}. ${scope}: ${count}, by part.\n\n${sections.join("\n")}`;
}
