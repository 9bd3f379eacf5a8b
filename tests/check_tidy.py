#!/usr/bin/env python3
"""clang-tidy over the tree, changed files first, within TIDY_SECONDS (default 240).

A file that was clean is looked at again only when it, a header of ours that it includes, its
compile flags or .clang-tidy changed: the stamps are in build/tidy. Files that the time did not
suffice for are counted in the closing line; the next run takes them up.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
STAMPS = ROOT / "build" / "tidy"
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
ROOMS = ("core/", "config/", "parallel/", "data/", "model/", "eval/", "train/", "cli/", "bench/", "tests/")


def git(*arguments):
    result = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    return result.stdout.split("\n") if result.returncode == 0 else []


def changed_files():
    """What differs from the branch point on the main line, or from the commit before this one."""
    head = git("rev-parse", "HEAD")[:1]
    base = git("merge-base", "HEAD", "origin/HEAD")[:1] or git("merge-base", "HEAD", "origin/main")[:1]
    if not base or base == head:
        base = git("rev-parse", "--verify", "--quiet", "HEAD~1")[:1]
    names = git("diff", "--name-only", base[0]) if base else git("ls-files")
    return set(names) | set(git("ls-files", "--others", "--exclude-standard"))


def closure(path, seen):
    """The files of ours that a source includes, itself first."""
    if path in seen or not path.is_file():
        return seen
    seen[path] = path.read_bytes()
    for name in INCLUDE.findall(seen[path].decode(errors="replace")):
        for folder in (ROOT, path.parent):
            closure((folder / name).resolve(), seen)
    return seen


def key_of(entry, seen):
    flags = [word for word in shlex.split(entry["command"]) if word.startswith(("-D", "-I", "-f", "-std"))]
    digest = hashlib.sha256(repr(flags).encode() + (ROOT / ".clang-tidy").read_bytes())
    if entry["file"].startswith(str(ROOT / "tests")):
        digest.update((ROOT / "tests" / ".clang-tidy").read_bytes())
    for path in sorted(seen):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + seen[path])
    return digest.hexdigest()


def tidy(entry, deadline):
    """Returns None when time ran out, else clang-tidy's findings ('' for none)."""
    left = deadline - time.monotonic()
    if left <= 0:
        return None
    # clang 14 does not see through fmt's consteval check of formats; g++ did when it compiled them.
    command = ["clang-tidy", "--quiet", "--extra-arg=-DFMT_CONSTEVAL=",
               "-p", str(ROOT / "build" / "release"), entry["file"]]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=left, cwd=ROOT)
    except subprocess.TimeoutExpired:
        return None
    if result.returncode == 0:
        return ""
    return result.stdout.strip() or result.stderr.strip() or f"exit {result.returncode}"


def work_list():
    """(entry, key) of every file not known to be clean: changed ones, the house, then tests."""
    changed = {(ROOT / name).resolve() for name in changed_files() if name}
    todo = []
    for entry in json.loads((ROOT / "build/release/compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"]).resolve()
        inside = path.is_relative_to(ROOT) and str(path.relative_to(ROOT)).startswith(ROOMS)
        if not inside or path.suffix != ".cpp":
            continue
        seen = closure(path, {})
        key = key_of(entry, seen)
        if not (STAMPS / key).exists():
            rank = (path not in changed, not changed.intersection(seen), (ROOT / "tests") in path.parents)
            todo.append((rank, str(path), entry, key))
    return [(entry, key) for _, _, entry, key in sorted(todo, key=lambda item: item[:2])]


def main():
    seconds = float(os.environ.get("TIDY_SECONDS", "240"))
    STAMPS.mkdir(parents=True, exist_ok=True)
    todo = work_list()
    deadline = time.monotonic() + seconds
    bad = clean = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda item: tidy(item[0], deadline), todo)
        for (_, key), findings in zip(todo, results):
            if findings == "":
                (STAMPS / key).touch()
                clean += 1
            elif findings is not None:
                bad += 1
                print(findings, flush=True)
    left = len(todo) - clean - bad
    note = f"; {left} not looked at: TIDY_SECONDS={seconds:g} was too short" if left else ""
    print(f"tidy: {clean} files clean, {bad} with findings{note}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
