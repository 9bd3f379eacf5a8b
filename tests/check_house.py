#!/usr/bin/env python3
"""The house: lower floors know nothing of upper ones, a library is seen from one place, a file
holds one idea. Prints a line for each breach, `file:line: what`, and exits 1 when there is any."""
import fnmatch
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES = 500
CODE = (".h", ".cpp", ".cu", ".cuh")
SUFFIXES = CODE + (".py", ".sh", ".cmake", ".txt", ".yaml")

# A room and the rooms that it may include besides itself.
MAY_INCLUDE = {
    "core": (),
    "config": ("core",),
    "parallel": ("core",),
    "data": ("core",),
    "model": ("core", "data"),
    "eval": ("core", "parallel", "data", "model"),
    "train": ("core", "config", "parallel", "data", "model", "eval"),
    "cli": ("core", "config", "parallel", "data", "model", "eval", "train"),
    "bench": ("core", "config", "parallel", "data", "model", "eval", "train"),
}
# The same inside data, whose rooms follow a clip from its file to the batch.
DATA_MAY_INCLUDE = {
    "media": (),
    "decode": ("media",),
    "corpus": ("media",),
    "shards": (),
    "prepare": ("media", "decode", "corpus", "shards"),
    "loader": ("media", "shards"),
    "synthetic": ("media",),
}
# Files that may include one more room: how a DiT is split is a table of its own.
ALSO = {"model/dit_parallel*": ("parallel",)}

# A library, the headers that mark it, the files that may see it.
LIBRARIES = [
    ("libav", r"libav|libsw", ("data/media/*", "eval/video_*")),
    ("zimg", r"zimg", ("data/media/*",)),
    ("HDF5", r"(hdf5|H5\w*)\.h", ("data/shards/*", "train/checkpoint*")),
    ("yaml-cpp", r"yaml-cpp/", ("config/*", "*/config.*")),
    ("MPI", r"mpi\.h", ("parallel/*mpi*",)),
    ("NCCL", r"nccl", ("parallel/nccl*", "parallel/*_nccl*")),
    ("CUDA", r"(cuda|cudnn|cublas|cub/|curand|nvtx)", ("core/cuda/*", "core/*/cuda/*", "parallel/nccl*", "parallel/*_nccl*")),
    ("libarchive", r"archive(_entry)?\.h", ("data/corpus/*",)),
    ("protobuf", r"google/protobuf/|.*\.pb\.h", ("train/*",)),
    ("CLI11", r"CLI/", ("cli/command_line.cpp", "cli/program.cpp")),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*(<|")([^>"]+)[>"]')
# Split so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "TO" + "DO|FIX" + "ME)\\b")


def sources():
    for room in (*MAY_INCLUDE, "tests", "cmake", "configs", "launch"):
        for path in sorted((ROOT / room).rglob("*")):
            if path.is_file() and path.suffix in SUFFIXES:
                yield str(path.relative_to(ROOT))


def matches(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def check_include(name, quoted, header):
    """Why `name` may not include `header`, or nothing."""
    room = name.split("/")[0]
    if quoted:
        other = header.split("/")[0]
        if "/" not in header or (other not in MAY_INCLUDE and other != "tests"):
            if not header.endswith(".pb.h") and "cudnn" not in header:
                return f'"{header}": includes of ours are named by their path from the root'
        if room in MAY_INCLUDE and other in (*MAY_INCLUDE, "tests") and other != room:
            extra = tuple(e for pattern, rooms in ALSO.items() if fnmatch.fnmatch(name, pattern) for e in rooms)
            if other not in MAY_INCLUDE[room] + extra:
                return f"{room} must not know of {other} ({header})"
        if room == other == "data":
            inner, outer = name.split("/")[1], header.split("/")[1]
            if inner not in DATA_MAY_INCLUDE or outer not in (inner, *DATA_MAY_INCLUDE[inner]):
                return f"data/{inner} must not know of data/{outer} ({header})"
    for library, pattern, places in LIBRARIES:
        if re.match(pattern, header) and not (quoted and header.split("/")[0] in MAY_INCLUDE):
            if room != "tests" and not matches(name, places):
                return f"{library} ({header}) may be seen only from {', '.join(places)}"
    return None


def breaches():
    for name in sources():
        suffix = pathlib.Path(name).suffix
        lines = (ROOT / name).read_text(errors="replace").split("\n")
        if suffix in CODE + (".py", ".sh") and len(lines) > LINES + 1:
            yield f"{name}:{len(lines)}: more than {LINES} lines; a room this large holds two ideas"
        for number, line in enumerate(lines, 1):
            if UNFINISHED.search(line):
                yield f"{name}:{number}: unfinished: {line.strip()[:80]}"
            include = INCLUDE.match(line) if suffix in CODE else None
            why = check_include(name, include[1] == '"', include[2]) if include else None
            if why:
                yield f"{name}:{number}: {why}"
        if suffix == ".h" and "#pragma once" not in lines:
            yield f"{name}:1: a header begins with #pragma once"


def main():
    found = list(breaches())
    print("\n".join(found) if found else "house: every include goes down, every library has its place")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
