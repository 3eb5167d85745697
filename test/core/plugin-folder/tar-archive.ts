/** Handmade archives for tests: header fields of POSIX.1-2017's ustar. */

export interface TarEntry {
  readonly path: string;
  readonly body?: string;
  /** `0` a file, `1` a hard link, `2` a symbolic link, `x` a pax record, `L` a GNU long name. */
  readonly type?: string;
  readonly link?: string;
}

/** A ustar archive of short files. */
export function tar(...entries: readonly TarEntry[]): Uint8Array<ArrayBuffer> {
  const blocks: Uint8Array[] = [];
  for (const { path, body = "", type = "0", link = "" } of entries) {
    const bytes = Buffer.from(body);
    const header = Buffer.alloc(512);
    header.write(path, 0);
    header.write("0000644\0", 100);
    header.write(bytes.length.toString(8).padStart(11, "0"), 124);
    header.fill(" ", 148, 156);
    header.write(type, 156);
    header.write(link, 157);
    header.write("ustar", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    blocks.push(header, bytes, Buffer.alloc(-bytes.length & 511));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
