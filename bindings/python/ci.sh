#!/usr/bin/env bash
# Builds the wheel, installs it into a fresh environment and tests it from there, away from the sources.
#
# PROFILE=release builds what is shipped; the default is Cargo's dev profile, whose dependencies the other tests share.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
profile=${PROFILE:-dev}

python3 -m venv "$work/tools"
"$work/tools/bin/pip" -q install 'maturin>=1.9,<2'
(cd "$here" && PATH="$work/tools/bin:$PATH" maturin build --profile "$profile" -o "$work/wheels")

python3 -m venv "$work/fresh"
"$work/fresh/bin/pip" -q install "$work"/wheels/poolcast-*.whl pytest numpy pyarrow pandas polars dask distributed mypy
cp -r "$here/tests" "$here/examples" "$here/pyproject.toml" "$here/../../docs" "$here/../../README.md" "$work/"
cd "$work"
fresh/bin/python -c 'import poolcast; print("poolcast", poolcast.__version__, "from", poolcast.__file__)'
fresh/bin/python -m pytest tests
fresh/bin/python -m mypy.stubtest poolcast._core --ignore-missing-stub
for example in examples/*.py; do
    echo "== $example"
    fresh/bin/python "$example" >/dev/null
done
