#!/bin/sh
# image-root.sh BINARY FOLDER: makes FOLDER the root of an image that holds the binary and the C library
# that it needs, and nothing else: no shell, no package manager.
set -eu
binary=$1
root=$2

install -D -m 755 "$binary" "$root/usr/local/bin/dynbench"
# Two forms: "libm.so.6 => /lib/…/libm.so.6 (0x…)" and, for the loader, "/lib64/ld-linux-x86-64.so.2 (0x…)".
ldd "$binary" | sed -n 's#^.*[[:space:]]\(/[^ ]*\) (0x.*$#\1#p' | while read -r library; do
  install -D -m 755 "$(readlink -f "$library")" "$root$library"
done
mkdir -p "$root/results" "$root/proc" "$root/dev" "$root/tmp"
chmod 1777 "$root/results" "$root/tmp"
