#!/bin/sh
# Installs pip-uv-shim for every user of a dev container. The devcontainer CLI runs this as root in the Feature's folder, with the
# options as variables in capitals.
#
# Sources: Dev Container Features specification, "Option resolution" and "Install script".
set -eu
PYTHON=${PYTHON-} WHEELS=${WHEELS-} SHELLS=${SHELLS-true}

# `pack` puts the checkout beside this file; in the repository it is three folders up.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
checkout=$here/checkout
[ -f "$checkout/install.sh" ] || checkout=$here/../../..

is_fine() {
  command -v "$1" >/dev/null 2>&1 && "$1" -IS -c 'import sys; sys.exit(sys.version_info < (3, 11))' && "$1" -I -c 'import venv, ensurepip'
}

if [ -z "$PYTHON" ] && ! is_fine python3 2>/dev/null && ! is_fine /usr/bin/python3 2>/dev/null && command -v apt-get >/dev/null; then
  echo 'pip-uv-shim: installing python3 and python3-venv'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv
  rm -rf /var/lib/apt/lists/*
fi

set -- --system
[ -z "$PYTHON" ] || set -- "$@" --python "$PYTHON"
[ -z "$WHEELS" ] || set -- "$@" --wheels "$WHEELS"
[ "$SHELLS" = true ] || set -- "$@" --no-modify-path
exec sh "$checkout/install.sh" "$@"
