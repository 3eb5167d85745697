/**
 * A package registry on loopback: packuments and tarballs of packages that a test writes, as the npm
 * registry serves them (its "package metadata" document), and refusals.
 */
import { afterAll } from "bun:test";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { tar, type TarEntry } from "../core/plugin-folder/tar-archive.ts";

export interface Published {
  readonly name: string;
  readonly version: string;
  /** File contents by their path in the package; package.json is made. */
  readonly files: Readonly<Record<string, string>>;
  /** More of package.json. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** Archive entries that no packer would write. */
  readonly entries?: readonly TarEntry[];
}

export interface Registry {
  readonly url: string;
  /** Paths asked for, in order. */
  readonly asked: readonly string[];
  publish(published: Published): void;
  /** Sets the answer to requests whose path contains `part`, unless it returns nothing; undefined removes it. */
  answer(part: string, response: Answer | undefined): void;
}

type Answer = (request: Request) => Response | Promise<Response> | undefined;

/** Started for the test file, and stopped at its end. */
export function npmRegistry(): Registry {
  const tarballs = new Map<string, Uint8Array<ArrayBuffer>>();
  const versions = new Map<string, Record<string, Record<string, unknown>>>();
  const answers = new Map<string, Answer>();
  const asked: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    fetch: (request) => {
      const path = decodeURIComponent(new URL(request.url).pathname.slice(1));
      asked.push(path);
      const fixed = [...answers].find(([part]) => path.includes(part));
      const answered = fixed?.[1](request);
      if (answered) return answered;
      const tarball = tarballs.get(path);
      if (tarball) return new Response(tarball);
      const known = versions.get(path);
      if (!known) return Response.json({ error: "Not found" }, { status: 404 });
      const latest = Object.keys(known).at(-1)!;
      return Response.json({ name: path, "dist-tags": { latest }, versions: known });
    },
  });
  afterAll(() => server.stop(true));
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    asked,
    publish: (published) => {
      const { name, version } = published;
      const manifest = manifestOf(published);
      const path = `${name}/-/${name.split("/").at(-1)}-${version}.tgz`;
      const tarball = tarballOf(published);
      const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
      const shasum = createHash("sha1").update(tarball).digest("hex");
      tarballs.set(path, tarball);
      versions.set(name, {
        ...versions.get(name),
        [version]: { ...manifest, dist: { tarball: `${url}/${path}`, integrity, shasum } },
      });
    },
    answer: (part, response) => {
      if (response) answers.set(part, response);
      else answers.delete(part);
    },
  };
}

/** The package as `npm pack` would write it. */
export function tarballOf(published: Published): Uint8Array<ArrayBuffer> {
  const files = { "package.json": JSON.stringify(manifestOf(published)), ...published.files };
  const entries = Object.entries(files).map(([path, body]) => ({ path: `package/${path}`, body }));
  return new Uint8Array(gzipSync(tar(...entries, ...(published.entries ?? []))));
}

function manifestOf({ name, version, manifest }: Published): Record<string, unknown> {
  return { name, version, type: "module", exports: "./index.js", ...manifest };
}
