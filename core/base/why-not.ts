/** Why a file or folder could not be used, in words: the system's messages repeat the path and the system call. */
import { messageOf } from "./errors.ts";

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the device",
  EDQUOT: "the disk quota is used up",
  EFBIG: "it is larger than files may be here",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOENT: "there is no such file or folder",
  ENOTDIR: "part of the path is a file, not a folder",
  EEXIST: "there is a file of that name",
  EISDIR: "it is a folder",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "its links go round in a circle",
  EMFILE: "too many files are open",
};

/** Whether something else must go before it can be written. */
export function isFull(cause: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EFBIG"].includes(String((cause as { code?: unknown } | null)?.code));
}

/** The reason as the end of a sentence; the error's own message for a code that is not listed here. */
export function whyNot(cause: unknown): string {
  const { code, syscall } = (cause ?? {}) as { code?: unknown; syscall?: unknown };
  // From mkdir, this code means that no folder can be created there: /proc, /sys.
  if (code === "ENOENT" && syscall === "mkdir") return "it cannot be created there";
  return (typeof code === "string" ? WORDS[code] : undefined) ?? messageOf(cause);
}
