#!/usr/bin/env bash
# All the set-up there is: packages, cuDNN's front end where CUDA is found, configure, build.
# Does only what is missing, so the second time it returns at once.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: ./launch/setup.sh [--preset NAME] [--target NAME] [--no-packages] [--no-build]

  --preset NAME    release (default), debug, asan or tsan; built in build/NAME
  --target NAME    muybridge (default: the program), all (tests and benchmarks too), or one of them
  --no-packages    install nothing; for systems other than Debian 12
  --no-build       stop once configured
TEXT
}

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
  local code=$1
  shift
  say "$@"
  exit "$code"
}

preset=release
target=muybridge
packages=yes
build=yes
while (($#)); do
  case $1 in
    --preset | --target)
      (($# > 1)) || die 2 "$1 needs a name; see --help"
      [[ $1 == --preset ]] && preset=$2 || target=$2
      shift
      ;;
    --no-packages) packages=no ;;
    --no-build) build=no ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) die 2 "unknown argument '$1'; see launch/setup.sh --help" ;;
  esac
  shift
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
grep -q "\"configurePresets\"" CMakePresets.json || die 70 "CMakePresets.json is not beside launch/"
grep -q "{\"name\": \"$preset\"," CMakePresets.json ||
  die 2 "no preset '$preset'; there are release, debug, asan and tsan"

mkdir -p build
exec 9>build/.setup.lock
flock --nonblock 9 || { say "another set-up is at work here; waiting for it"; flock 9; }

# The folder of a CUDA toolkit that has everything the backend needs, or nothing.
cuda_root() {
  local nvcc root header places
  nvcc=$(command -v nvcc || command -v /usr/local/cuda/bin/nvcc) || return 0
  root=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
  [[ -e $root/include/cuda_runtime.h && -e $root/nvvm ]] || root=/usr/local/cuda
  places=("$root/include" "$root"/targets/*/include /usr/include "/usr/include/$(uname -m)-linux-gnu")
  for header in cuda_runtime.h cudnn.h nccl.h; do
    if [[ -z $(find "${places[@]}" -maxdepth 1 -name "$header" 2>/dev/null) ]]; then
      say "the CUDA toolkit of $nvcc has no $header: building without CUDA"
      return 0
    fi
  done
  echo "$root"
}

# Names of the list, those for CUDA only where it is.
wanted_packages() {
  awk -v cuda="$cuda" '{ sub(/#.*/, "") } $1 == "cuda:" { if (cuda != "") print $2; next } NF' \
    launch/packages.txt
}

missing_packages() {
  local name
  declare -A have=()
  while read -r name; do have[$name]=yes; done < <(
    dpkg-query --show --showformat '${db:Status-Abbrev} ${Package}\n' 2>/dev/null |
      awk '$1 == "ii" { print $2 }'
  )
  wanted_packages | while read -r name; do [[ ${have[$name]:-} ]] || echo "$name"; done
}

install_packages() {
  local missing root=() log=build/apt.log
  command -v dpkg-query >/dev/null ||
    die 2 "this is not Debian: install what launch/packages.txt lists, then use --no-packages"
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0

  local id=unknown version=''
  # shellcheck source=/dev/null
  id=$(. /etc/os-release && echo "${ID:-unknown}") && version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  [[ $id == debian && ${version%%.*} == 12 ]] ||
    die 2 "the package list is for Debian 12, this is $id $version: install the like of" \
      "'${missing[*]}', then use --no-packages"
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die 2 "packages are missing and there is no sudo; as root: apt-get install ${missing[*]}"
    sudo --non-interactive true 2>/dev/null || [[ -t 0 ]] ||
      die 2 "packages are missing and sudo wants a password, but there is no terminal; as root:" \
        "apt-get install ${missing[*]}"
    root=(sudo)
  fi

  say "installing ${#missing[@]} packages (the log is in $log): ${missing[*]}"
  local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --yes --quiet
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 -o APT::Update::Error-Mode=any)
  "${apt[@]}" update >"$log" 2>&1 ||
    say "apt-get update had errors, going on with the lists there are: $(grep -m1 -E '^(E|Err|W)' "$log")"
  if ! "${apt[@]}" install --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
    tail -n 12 "$log" >&2
    grep -q -E 'Failed to fetch|Temporary failure resolving|Could not (connect|resolve)|Unable to locate' "$log" &&
      die 74 "apt-get could not fetch the packages: check the network and the apt sources, then run this again"
    die 74 "apt-get failed; the whole log is in $log. Mend that, then run this again"
  fi
}

# unpack_wheels FOLDER TO
unpack_wheels() {
  local wheel
  for wheel in "$1"/*.whl; do
    python3 -m zipfile --extract "$wheel" "$2" || return 1
  done
}

# The wheels that launch/NAME.txt pins, unpacked to build/third_party/NAME.
bring_wheels() {
  local to=build/third_party/$1 list=launch/$1.txt log=build/pip.log fetched
  cmp --silent "$list" "$to/pinned.txt" && return 0
  fetched=$(mktemp -d build/wheels.XXXXXX)
  if python3 -m pip download --quiet --no-deps --require-hashes --only-binary=:all: \
    --implementation cp --python-version 3.11 --platform "manylinux_2_27_$(uname -m)" \
    --platform "manylinux2014_$(uname -m)" --dest "$fetched" --requirement "$list" >"$log" 2>&1 &&
    unpack_wheels "$fetched" "$fetched/wheel" >>"$log" 2>&1; then
    rm -rf "$to"
    mkdir -p build/third_party
    mv "$fetched/wheel" "$to"
    find "$to" -path '*/bin/*' -exec chmod +x {} +
    cp "$list" "$to/pinned.txt"
  fi
  rm -rf "$fetched"
  cmp --silent "$list" "$to/pinned.txt"
}

# Without cuDNN's front end, headers only, the build has no CUDA backend; without the tools that read
# kernels, the tests do not look at what the compiler made of them.
bring_cuda_wheels() {
  bring_wheels cudnn_frontend || {
    say "cuDNN's front end could not be fetched from PyPI: building without CUDA ($(tail -n 1 build/pip.log))"
    return 1
  }
  bring_wheels cuda_tools ||
    say "CUDA's disassembler could not be fetched from PyPI: kernels are not looked at ($(tail -n 1 build/pip.log))"
  return 0
}

# Configured again only when the answer would differ; changes of CMakeLists.txt ninja sees itself.
# What is built stays: where the folder was copied or moved, or an option changed, Ninja builds again
# what another command would make.
configure() {
  local folder=build/$preset options=() stamp=build/$preset/.setup wish old kept
  if [[ $cuda ]]; then
    command -v nvcc >/dev/null || options=("-DCMAKE_CUDA_COMPILER=$cuda/bin/nvcc")
  else
    options=(-DMUYBRIDGE_CUDA=OFF)
  fi
  wish="$(cmake --version | head -n 1) $PWD ${options[*]} $(cksum <CMakePresets.json) $cuda"
  [[ -e $folder/build.ninja && $(cat "$stamp" 2>/dev/null) == "$wish" ]] && return 0
  say "configuring $folder"
  old=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$folder/CMakeCache.txt" 2>/dev/null || true)
  rm -rf "$folder/CMakeCache.txt" "$stamp" "$folder"/CMakeFiles/[0-9]*
  cmake --preset "$preset" "${options[@]}" >"$folder.configure.log" 2>&1 || {
    sed -n '/CMake Error/,$p' "$folder.configure.log" | head -n 30 >&2
    die 70 "CMake could not configure; the whole log is in $folder.configure.log"
  }
  if [[ $old && $old != "$PWD" && -e $folder/.ninja_log ]]; then
    if kept=$(python3 launch/follow_build.py "$folder" "$old" 2>&1); then
      say "this folder was $old: $kept"
    else
      say "what was built in $old cannot be used here, so all is built: $(tail -n 1 <<<"$kept")"
    fi
  fi
  echo "$wish" >"$stamp"
}

# As many compilers as cores, but no more than memory holds at 1.5 GB each.
jobs() {
  awk -v cores="$(nproc)" '/^MemAvailable/ { fit = int($2 / 1500000) }
    END { print fit < 1 ? 1 : (fit < cores ? fit : cores) }' /proc/meminfo
}

case $preset in
  release | debug) cuda=$(cuda_root) ;;
  *) cuda='' ;;
esac
[[ $packages == no ]] || install_packages
[[ -z $cuda ]] || bring_cuda_wheels || cuda=''
configure
[[ $build == no ]] || cmake --build "build/$preset" --parallel "$(jobs)" --target "$target" >&2 ||
  die 70 "the build failed; the compiler's words are above"
