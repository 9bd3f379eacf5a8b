#!/usr/bin/env bash
# Packs the program, the tests of its CUDA side and bench/gpu.sh with every library that they need but
# glibc and the driver, for a machine where nothing is installed:
#   ./launch/bundle.sh [--without-cuda] OUT.tar.xz      then there: tar -xf OUT.tar.xz
#   muybridge-bundle/run muybridge doctor
#   muybridge-bundle/run bench/gpu.sh
# --without-cuda leaves out CUDA's libraries and cuDNN, some 1 GB: there LD_LIBRARY_PATH says where
# they are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

with_cuda=1
if [[ ${1:-} == --without-cuda ]]; then
  with_cuda=
  shift
fi
out=${1:?usage: ./launch/bundle.sh [--without-cuda] OUT.tar.xz}
programs=(build/release/muybridge build/release/tests/tests_core)
for program in "${programs[@]}"; do
  [[ -x $program ]] || { printf 'bundle: no %s; build it with ./tests/run.sh\n' "$program" >&2; exit 2; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
to=$work/muybridge-bundle
mkdir -p "$to/bin" "$to/lib" "$to/bench"
cp "${programs[@]}" "$to/bin"
strip --strip-unneeded "$to"/bin/*
cp bench/gpu.sh bench/gpu.py "$to/bench"
cp -r configs "$to"

ldd "${programs[@]}" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
  grep -v -E '/(ld-linux|libc|libm|libdl|librt|libpthread|libresolv|libutil)[-.]' |
  xargs -I{} cp -L {} "$to/lib"
# What is opened when it is first called: by the programs, by cuDNN and by NVRTC.
if [[ $with_cuda ]]; then
  from=$(dirname "$(sed -n 's/^CUDNN_LIBRARY:FILEPATH=//p' build/release/CMakeCache.txt)")
  [[ -d $from ]] || { printf 'bundle: build/release was built without CUDA\n' >&2; exit 2; }
  for name in 'libcublasLt.so.*' 'libcudart.so.*' 'libcudnn.so.9' 'libcudnn_*.so.9' 'libnvrtc.so.*' \
    'libnvrtc-builtins.so.*' 'libnccl.so.2'; do
    find -L "$from" -maxdepth 1 -name "$name" -not -name '*.so.*.*.*' -exec cp -L {} "$to/lib" \;
  done
fi

# Programs find the libraries beside them; what the machine has of its own is not led to these.
mkdir "$to/programs"
for program in "$to"/bin/*; do
  name=$(basename "$program")
  mv "$program" "$to/programs/$name"
  printf '#!/usr/bin/env bash\nhere=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)\n%s\n' \
    "LD_LIBRARY_PATH=\$here/lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH} exec \"\$here/programs/$name\" \"\$@\"" \
    >"$program"
  chmod +x "$program"
done
cat >"$to/run" <<'RUN'
#!/usr/bin/env bash
# run PROGRAM [ARGUMENT...]: a program, or a script, of this folder.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PATH=$here/bin:$PATH
if [[ -x $here/$1 ]]; then exec "$here/$1" "${@:2}"; fi
exec "$@"
RUN
chmod +x "$to/run"
tar -C "$work" -c muybridge-bundle | xz -T0 -6 >"$out"
printf '%s: %s MB, %s MB unpacked\n' "$out" "$(du -m "$out" | cut -f1)" "$(du -sm "$to" | cut -f1)"
