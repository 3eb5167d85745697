#!/bin/sh
# Installs dynbench: finds the file for this machine, checks its SHA-256, and puts the one binary into
# a folder. Needs no root.
#
#   sh install.sh [--from URL] [--to FOLDER]
#
# URL: a folder with the files of a release, SHA256SUMS among them ($DYNBENCH_FROM).
# FOLDER: default ~/.local/bin ($DYNBENCH_TO).
set -eu

default_from=""

main() {
  from=${DYNBENCH_FROM:-$default_from}
  to=${DYNBENCH_TO:-}
  while [ $# -gt 0 ]; do
    case $1 in
      --from) [ $# -ge 2 ] || fail "--from needs a URL"; from=$2; shift 2 ;;
      --to) [ $# -ge 2 ] || fail "--to needs a folder"; to=$2; shift 2 ;;
      -h | --help) echo "Usage: sh install.sh [--from URL] [--to FOLDER]"; exit 0 ;;
      *) fail "there is no option $1. Usage: sh install.sh [--from URL] [--to FOLDER]" ;;
    esac
  done
  [ -n "$from" ] || fail "name the address of the release: sh install.sh --from URL"
  from=${from%/}
  if [ -z "$to" ]; then
    [ -n "${HOME:-}" ] || fail "HOME is not set, so name a folder: sh install.sh --to FOLDER"
    to=$HOME/.local/bin
  fi

  target=$(target_here)
  need tar
  need gzip
  work=$(mktemp -d "${TMPDIR:-/tmp}/dynbench-install.XXXXXX") || fail "cannot make a temporary folder"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM HUP

  fetch "$from/SHA256SUMS" "$work/SHA256SUMS" ||
    fail "cannot fetch $from/SHA256SUMS: is this the address of a release?"
  # The sums name all files of the release, so the version need not be known. x64 must not find x64-musl.
  file=$(sed -n "s/^[0-9a-f]\{64\} [ *]\(dynbench-[0-9][^/ ]*-$target\.tar\.gz\)\$/\1/p" "$work/SHA256SUMS")
  case $file in
    "") fail "the release at $from has nothing for $target" ;;
    *"
"*) fail "the release at $from has several files for $target" ;;
  esac
  fetch "$from/$file" "$work/$file" || fail "cannot fetch $from/$file"

  expected=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$file\$/\1/p" "$work/SHA256SUMS")
  actual=$(sum_of "$work/$file")
  [ "$actual" = "$expected" ] || fail "$file is damaged or was changed: nothing was installed
  its SHA-256 is     $actual
  it ought to be     $expected"

  gzip -dc "$work/$file" | tar -xf - -C "$work" || fail "cannot unpack $file"
  binary=$work/${file%.tar.gz}/dynbench
  [ -f "$binary" ] || fail "$file holds no dynbench"
  chmod 755 "$binary"
  version=$("$binary" --version 2>"$work/log") || {
    sed 's/^/  /' "$work/log" >&2
    hint="the binary for $target does not run on this machine"
    case $target in
      *-musl) hint="$hint. It needs libstdc++ and libgcc: apk add libstdc++" ;;
    esac
    fail "$hint"
  }

  mkdir -p "$to" 2>/dev/null || fail "cannot make the folder $to: choose another with --to FOLDER"
  # Beside its place first, then renamed: a running dynbench keeps its file, and nobody sees half of one.
  { cp "$binary" "$to/.dynbench.$$" && mv -f "$to/.dynbench.$$" "$to/dynbench"; } 2>/dev/null || {
    rm -f "$to/.dynbench.$$" 2>/dev/null
    fail "cannot write to $to: choose another folder with --to FOLDER"
  }
  echo "Installed dynbench $version ($target) as $to/dynbench"
  case :${PATH:-}: in
    *:"$to":*) ;;
    *) echo "$to is not in PATH. For this shell: export PATH=\"$to:\$PATH\"" ;;
  esac
}

fail() {
  echo "dynbench install: $1" >&2
  exit 1
}

need() {
  command -v "$1" >/dev/null 2>&1 || fail "needs the program $1"
}

# linux-x64, linux-arm64-musl, darwin-arm64
target_here() {
  system=$(uname -s)
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) cpu=x64 ;;
    aarch64 | arm64) cpu=arm64 ;;
    *) fail "there is no dynbench for the processor $machine" ;;
  esac
  case $system in
    Linux)
      if is_musl; then echo "linux-$cpu-musl"; else echo "linux-$cpu"; fi ;;
    Darwin)
      # A shell that runs translated reports x86_64 on Apple silicon.
      if [ "$cpu" = x64 ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" = 1 ]; then cpu=arm64; fi
      echo "darwin-$cpu" ;;
    *) fail "there is no dynbench for $system" ;;
  esac
}

# musl's ldd names itself; glibc's does not, on a machine that has musl's loader too.
is_musl() {
  case $(ldd --version 2>&1 || true) in
    *musl*) return 0 ;;
  esac
  return 1
}

fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --retry 2 -o "$2" "$1" 2>"$work/log"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$2" "$1" 2>"$work/log"
  else
    fail "needs curl or wget"
  fi
}

sum_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1" | cut -d ' ' -f 1
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 "$1" | cut -d ' ' -f 1
  else
    fail "needs sha256sum or shasum to check the file"
  fi
}

main "$@"
