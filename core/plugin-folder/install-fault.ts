/** A failure of the package manager as a state and a next step. The texts are Bun 1.4.5's. */

export interface InstallFault {
  readonly state: string;
  readonly hint?: string;
}

const NO_NETWORK =
  "Without a network: dynbench plugin pack where there is one, and add the file it makes here";
/** What a plugin that is not added yet imports must lie beside it. */
export const NEEDS_INSTALL =
  "Install what it needs: npm install in its folder, or with this program alone BUN_BE_BUN=1 dynbench install --production";
/** Lines of the package manager that give a reason. */
const MOST_LINES = 3;

export function installFault(output: string): InstallFault {
  const answered = /GET (\S+) - (\d{3})/.exec(output);
  if (answered) return refusal(answered[1]!, Number(answered[2]));
  const unreachable =
    /(ConnectionRefused|ConnectionClosed|FailedToOpenSocket|ConnectionTimeout|Timeout|UnableToResolveHost|DNS\w*|ENOTFOUND|ECONNREFUSED|Unreachable\w*) downloading (?:package manifest|tarball) (\S+)/i.exec(
      output,
    );
  if (unreachable) {
    return {
      state: `the registry cannot be reached for ${unreachable[2]} (${unreachable[1]})`,
      hint: NO_NETWORK,
    };
  }
  const version = /No version matching "([^"]*)"[^\n]*/.exec(output);
  if (version) return { state: `the registry has no version ${version[1]} of it` };
  const unread = /parsing package manifest for (\S+)/.exec(output);
  if (unread) {
    return {
      state: `what the registry answers for ${unread[1]} is no description of a package`,
      hint: "Is the address in ~/.npmrc or npm_config_registry that of a registry?",
    };
  }
  const broken = /Integrity check failed[^\n]*?: (\S+)/i.exec(output);
  if (broken)
    return { state: `the tarball of ${broken[1]} is not the one that the registry names` };
  const packed = /Fail extracting tarball (?:from|for) (\S+)/i.exec(output);
  if (packed) {
    return {
      state: `the tarball of ${packed[1]} cannot be unpacked`,
      hint: "Either it is broken, or the disk of the plugin folder is full",
    };
  }
  const lines = output
    .split("\n")
    .filter((line) => /^\s*error:/i.test(line))
    .map((line) => line.replace(/^\s*error:\s*/i, "").trim());
  return { state: lines.slice(0, MOST_LINES).join("; ") || "the package manager failed" };
}

function refusal(url: string, status: number): InstallFault {
  if (status === 404) return { state: `the registry has no such package (404 of ${url})` };
  if (status === 401 || status === 403) {
    return {
      state: `the registry refuses it (${status} of ${url})`,
      hint: "Name another registry, or a token for this one, in ~/.npmrc",
    };
  }
  return { state: `the registry answers ${status} to ${url}`, hint: NO_NETWORK };
}
