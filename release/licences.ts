/** LICENSES.txt: the licence of everything inside, in full where a package brings it. */
import { bunParts, type Contents, type NpmPackage } from "./contents.ts";

const RULE = "=".repeat(78);

export function licencesText({ version, ownLicence, packages, bun }: Contents): string {
  const sections = [
    section(`dynbench ${version}`, "Apache-2.0", ownLicence),
    ...packages.map((one) => section(`${one.name} ${one.version}`, one.licence, textOf(one))),
    section(
      `Bun ${bun.version}`,
      "MIT, with libraries under their own licences",
      bunText(bun.page),
    ),
  ];
  return `What is inside a dynbench binary, and its licences.\n\n${sections.join("\n")}`;
}

function section(title: string, licence: string, text: string): string {
  return `${RULE}\n${title}\nLicence: ${licence}\n${RULE}\n\n${text.trim()}\n`;
}

function textOf({ text, name, version }: NpmPackage): string {
  return text ?? `The package ${name} ${version} brings no text of its licence.`;
}

/** The page without its front matter; its tables as lists. */
function bunText(page: string): string {
  const body = page.replace(/^---\n[\s\S]*?\n---\n/, "");
  const words = body
    .split("\n")
    .filter((line) => !line.startsWith("|"))
    .join("\n")
    .replace(/\n{3,}/g, "\n\n");
  const parts = bunParts(page).map(
    ({ name, licence, url }) => `- ${name}: ${licence}${url === undefined ? "" : ` (${url})`}`,
  );
  return `${words.trim()}\n\n## What is linked or embedded\n\n${parts.join("\n")}`;
}
