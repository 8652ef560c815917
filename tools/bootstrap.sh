#!/usr/bin/env bash
# Makes .venv (Python 3.12, exact versions of constraints.txt). Does nothing when it is up to date.
# Needs python3 (any 3.9 or later, with venv) and a package index reachable by pip. No system packages.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.venv/.installed
wanted=$(cat pyproject.toml constraints.txt tools/bootstrap.sh | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
  exit 0
fi

echo "setup: making .venv (about 30 s the first time)"
# uv lives in an environment of its own: it must exist before the project's environment does.
if [ ! -x .bootstrap/bin/uv ]; then
  python3 -m venv .bootstrap || {
    echo "setup: python3 has no venv module. Cure: install your system's python3-venv package." >&2
    exit 1
  }
  .bootstrap/bin/pip install --quiet "uv>=0.9,<1" 2>/dev/null || .bootstrap/bin/pip install "uv>=0.9,<1"
fi
# A pyenv shim answers only for the selected version, so the installed versions are looked at directly;
# "3.12" alone lets uv search further and download one where that is possible.
find_python() {
  local candidate
  for candidate in python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12*/bin/python3.12; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo 3.12
}
if [ ! -x .venv/bin/python ]; then
  .bootstrap/bin/uv venv --quiet --clear --python "$(find_python)" .venv || {
    echo "setup: no Python 3.12 found or downloadable. Cure: install Python 3.12 and run again." >&2
    exit 1
  }
fi
.bootstrap/bin/uv pip install --quiet --python .venv/bin/python --compile-bytecode \
  --constraint constraints.txt --editable . --group dev
echo "$wanted" >"$stamp"
