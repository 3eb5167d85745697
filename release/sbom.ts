/** The list of parts as CycloneDX 1.6 JSON (https://cyclonedx.org/docs/1.6/json/). */
import { bunParts, type Contents, type NpmPackage } from "./contents.ts";

export function sbom(contents: Contents): object {
  const { version, commit, epoch, packages, bun } = contents;
  const own = `pkg:npm/dynbench@${version}`;
  const runtime = `pkg:github/oven-sh/bun@bun-v${bun.version}`;
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(`${version} ${commit}`)}`,
    version: 1,
    metadata: {
      timestamp: new Date(epoch * 1000).toISOString(),
      component: {
        "bom-ref": own,
        type: "application",
        name: "dynbench",
        version,
        licenses: [{ license: { id: "Apache-2.0" } }],
        purl: own,
        properties: [{ name: "commit", value: commit }],
      },
    },
    components: [
      ...packages.map(npmComponent),
      {
        "bom-ref": runtime,
        type: "platform",
        name: "bun",
        version: bun.version,
        licenses: [{ license: { id: "MIT" } }],
        purl: runtime,
        components: bunParts(bun.page).map(({ name, licence, url }) => ({
          type: "library",
          name,
          licenses: [{ license: { name: licence } }],
          ...(url === undefined ? {} : { externalReferences: [{ type: "website", url }] }),
        })),
      },
    ],
    dependencies: [
      { ref: own, dependsOn: [...packages.map(purlOf), runtime] },
      ...[...packages.map(purlOf), runtime].map((ref) => ({ ref })),
    ],
  };
}

function npmComponent(one: NpmPackage): object {
  const purl = purlOf(one);
  const hash = one.integrity?.startsWith("sha512-")
    ? Buffer.from(one.integrity.slice(7), "base64").toString("hex")
    : undefined;
  return {
    "bom-ref": purl,
    type: "library",
    name: one.name,
    version: one.version,
    licenses: [{ expression: one.licence }],
    ...(hash === undefined ? {} : { hashes: [{ alg: "SHA-512", content: hash }] }),
    purl,
  };
}

function purlOf({ name, version }: NpmPackage): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** Of the text alone, in the form of a UUID of version 8 (RFC 9562): the same source has the same. */
function uuidOf(text: string): string {
  const hex = new Bun.CryptoHasher("sha256").update(text).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
