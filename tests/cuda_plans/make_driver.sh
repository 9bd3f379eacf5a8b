#!/usr/bin/env bash
# make_driver.sh STUB OUT: makes OUT, a driver library for machines without a driver. With it cuDNN
# compiles its plans for a chip that is described and not there: loading code succeeds, all else
# answers as STUB does, the libcuda.so of the toolkit's stubs (34: a stub). Nothing runs with it.
set -euo pipefail
stub=$1
out=$2
source=$(mktemp --suffix=.c)
trap 'rm -f "$source"' EXIT

# body NAME: the function of that name.
body() {
  case $1 in
    cuGetErrorString* | cuGetErrorName*)
      echo "int $1(int code, const char** text) { *text = \"no driver\"; return 0; }" ;;
    cuLibraryLoadData | cuLibraryGetKernel | cuModuleLoadData | cuModuleLoadDataEx | \
      cuModuleGetFunction | cuKernelGetFunction)
      echo "int $1(void** handle) { *handle = (void*)1; return 0; }" ;;
    cuLibraryUnload | cuModuleUnload | cu*SetAttribute | cu*SetCacheConfig)
      echo "int $1(void) { return 0; }" ;;
    cuGetProcAddress*)
      echo "int $1(const char* name, void** function, int version, unsigned long flags, int* status) {
        *function = dlsym(RTLD_DEFAULT, name);
        if (status) *status = 0;
        return *function ? 0 : 500;
      }" ;;
    *) echo "int $1(void) { return 34; }" ;;
  esac
}

{
  printf '#define _GNU_SOURCE\n#include <dlfcn.h>\n'
  nm --dynamic --defined-only "$stub" | awk '$2 == "T" { print $3 }' | sort -u |
    while read -r name; do body "$name"; done
} >"$source"
mkdir -p "$(dirname "$out")"
cc -shared -fPIC -w "$source" -o "$out" -Wl,-soname,libcuda.so.1 -ldl
