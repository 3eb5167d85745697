#!/usr/bin/env bash
# Installs the foreign programs of the real-system tests into the folder that is named, once.
set -euo pipefail
cache="${1:?usage: test/real/install.sh FOLDER}"
mkdir -p "$cache"

if [ ! -x "$cache/python/bin/python" ] || ! "$cache/python/bin/python" -c "import zmq" 2>/dev/null; then
  python3 -m venv "$cache/python" 2>/dev/null || {
    apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    python3 -m venv "$cache/python"
  }
  "$cache/python/bin/pip" install --quiet --disable-pip-version-check pyzmq==27.1.0
fi
