#!/bin/sh
# Formats, lints and type-checks the Python half with the tools of .venv-test:  python-tools.sh check|fix
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
bin=$(dirname "$(node scripts/python-env.ts)")
places=$(ls -d python test/apps test/clients test/python examples bench 2>/dev/null || true)

case "${1:-check}" in
  check)
    "$bin/ruff" format --check $places
    "$bin/ruff" check $places
    "$bin/mypy"
    ;;
  fix)
    "$bin/ruff" check --fix $places
    "$bin/ruff" format $places
    ;;
  *)
    echo "usage: python-tools.sh check|fix" >&2
    exit 2
    ;;
esac
