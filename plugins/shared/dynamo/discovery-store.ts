/** Where Dynamo's processes register, as a reader sees it: files of the run's folder, or etcd (`etcd-store.ts`). */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export interface DiscoveryStore extends AsyncDisposable {
  /** The JSON values of all instances and model cards that are there now. */
  values(): Promise<string[]>;
}

/** What a reader needs of the store; events have buckets of their own. */
const BUCKETS = ["instances", "mdc"] as const;
/** A file that is being written has a name of its own until it is whole. */
const UNFINISHED = ".tmp_";

/** Discovery in files below the folder of `DYN_FILE_KV`, one file a key (Dynamo 1.6.1). */
export function fileStore(folder: string): DiscoveryStore {
  return {
    values: async () => {
      const all = await Promise.all(
        BUCKETS.map((bucket) => readBucket(join(folder, "v1", bucket))),
      );
      return all.flat();
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** A bucket that is not there yet is empty; a file that went meanwhile is left out. */
async function readBucket(path: string): Promise<string[]> {
  const names = await readdir(path).catch(() => []);
  const texts = await Promise.all(
    names
      .filter((name) => !name.startsWith(UNFINISHED))
      .map((name) => readFile(join(path, name), "utf8").catch(() => undefined)),
  );
  return texts.filter((text) => text !== undefined);
}
