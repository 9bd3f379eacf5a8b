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
# The same inside the rooms that have rooms. What lies flat in one is named by its file, or else is
# part of "", the flat rest.
INNER_MAY_INCLUDE = {
    # Words come first. Tensors, ops and their CUDA twins are one floor: a tensor is copied by the
    # backend that the linker chose, whose functors are those of the ops.
    "core": {
        "error": (),
        "console": (),
        "log": ("console", "text"),
        "text": (),
        "system": ("error", "console", "log", "text"),
        "ops": ("", "cuda", "error", "log"),
        "cuda": ("", "ops", "error", "log", "system"),
        "": ("ops", "cuda", "error", "log"),
    },
    # By the way of a clip from its file to the batch.
    "data": {
        "media": (),
        "decode": ("media",),
        "corpus": ("media",),
        "shards": (),
        "prepare": ("media", "decode", "corpus", "shards"),
        "loader": ("media", "shards"),
        "synthetic": ("media",),
        "": (),
    },
    # Schedules are data: no group, no device. A backend knows the interface that it fills.
    "parallel": {
        "schedule": (),
        "group": (),
        "activity": (),
        "host": ("group", "activity"),
        "nccl_groups": ("group",),
        "nccl": ("group", "nccl_groups"),
        "": ("schedule", "group", "activity", "host", "nccl_groups"),
        "zero": ("", "group"),
    },
    "eval": {
        "scores": ("scoring",),  # the table of the scores, which the scores fill
        "scoring": ("scores",),
        "": ("scores", "scoring"),
    },
    # What a run is made of, then the run itself.
    "train": {
        "config": (),
        "model_options": ("config",),
        "load_config": ("config", "model_options"),
        "resume_rules": (),
        "unread_keys": ("config", "resume_rules"),
        "checkpoint": (),
        "update": ("config",),
        "weights": ("config", "model_options", "load_config", "unread_keys", "checkpoint"),
        "records": ("checkpoint",),
        "evaluation": ("config", "model_options", "load_config", "records"),
        "objective": ("config", "model_options", "records", "evaluation"),
        "checks": ("config", "model_options", "checkpoint", "records", "evaluation"),
        "plan": ("config", "model_options", "checkpoint", "checks"),
        "": ("config", "model_options", "load_config", "resume_rules", "unread_keys", "checkpoint",
             "update", "weights", "records", "evaluation", "objective", "checks", "plan"),
    },
}
# Files that may include one more room: how a DiT is split is a table of its own.
ALSO = {"model/dit_parallel*": ("parallel",)}

# A library, the headers that mark it, the files that may see it.
LIBRARIES = [
    ("libav", r"libav|libsw", ("data/media/*", "eval/video_*")),
    ("zimg", r"zimg", ("data/media/*",)),
    ("HDF5", r"(hdf5|H5\w*)\.h", ("data/shards/*", "train/checkpoint*")),
    ("yaml-cpp", r"yaml-cpp/", ("config/*", "*/config.*")),
    ("MPI", r"mpi\.h", ("parallel/*mpi*", "bench/allreduce_bench.cpp")),
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


def inner_room(path):
    """Which entry of INNER_MAY_INCLUDE a file of a room belongs to."""
    room, inner = pathlib.PurePath(path).parts[:2]
    stem = inner.split(".")[0]
    return stem if stem in INNER_MAY_INCLUDE[room] else ""


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
        if room == other and room in INNER_MAY_INCLUDE:
            inner, outer = inner_room(name), inner_room(header)
            if outer not in (inner, *INNER_MAY_INCLUDE[room][inner]):
                return f"{room}/{inner or '*'} must not know of {room}/{outer or '*'} ({header})"
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
        parts = pathlib.PurePath(name).parts
        if len(parts) > 2 and parts[0] in INNER_MAY_INCLUDE and parts[1] not in INNER_MAY_INCLUDE[parts[0]]:
            yield f"{name}:1: {parts[0]}/{parts[1]} is no room of the house; say in INNER_MAY_INCLUDE what it may know"
        if suffix == ".h" and "#pragma once" not in lines:
            yield f"{name}:1: a header begins with #pragma once"


def main():
    found = list(breaches())
    print("\n".join(found) if found else "house: every include goes down, every library has its place")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
