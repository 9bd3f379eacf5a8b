#!/usr/bin/env python3
"""Lets a build go on where its folder was copied or moved to, instead of starting anew.

    launch/follow_build.py BUILD OLD_ROOT     once CMake has configured BUILD at its new place

Ninja compiles again what another command made, and every command names the folder. This looks for
commands that are the old ones but for the root of the tree, and writes them into Ninja's log as if
they had been run here; the files that sources include are looked for here, too. A command that
hands the root to a program as a macro is left alone: what it made knows the old place. Whatever is
not understood, another version of Ninja's files included, is left as it is, and built again.
Times of files must have come along: `cp -a` and `mv` keep them.
"""
import json
import pathlib
import re
import struct
import subprocess
import sys

LOG_VERSION = "# ninja log v5"
DEPS_HEADER = b"# ninjadeps\n" + struct.pack("<i", 4)
U64 = (1 << 64) - 1


def murmur_hash_64a(data):
    """As Ninja hashes commands (Austin Appleby's MurmurHash64A, public domain)."""
    prime, shift = 0xC6A4A7935BD1E995, 47
    value = 0xDECAFBADDECAFBAD ^ (len(data) * prime & U64)
    whole = len(data) // 8 * 8
    for (word,) in struct.iter_unpack("<Q", data[:whole]):
        word = word * prime & U64
        word = (word ^ word >> shift) * prime & U64
        value = (value ^ word) * prime & U64
    if len(data) > whole:
        value = (value ^ int.from_bytes(data[whole:], "little")) * prime & U64
    value = (value ^ value >> shift) * prime & U64
    return value ^ value >> shift


def moved_commands(build, old, new):
    """Hashes of the old commands, and of those that do the same here."""
    listed = subprocess.run(["ninja", "-C", build, "-t", "compdb"], check=True, capture_output=True, text=True)
    text = listed.stdout[listed.stdout.index("["):]
    as_macro = re.compile(r"-D\S*" + re.escape(new))
    quoted = re.compile(r"""(["'])(""" + re.escape(new) + r"""[^"']*)\1""")  # for a space in the new root
    moved = {}
    for command in (entry["command"] for entry in json.loads(text)):
        if not as_macro.search(command):
            for same in (command, quoted.sub(r"\2", command)):
                before = same.replace(new, old)
                moved[murmur_hash_64a(before.encode())] = murmur_hash_64a(command.encode())
    return moved


def here(path, old, new):
    return new + path[len(old):] if path.startswith(old + "/") else path


def follow_log(path, old, new, moved):
    """Returns how many outputs stay, and of how many."""
    lines = path.read_text().splitlines()
    if lines[0] != LOG_VERSION:
        return 0, 0
    outputs = {}  # the last line of an output counts
    for line in lines[1:]:
        begin, end, time, output, command = line.split("\t")
        outputs[here(output, old, new)] = (begin, end, time, int(command, 16))
    kept = {output: entry for output, entry in outputs.items() if entry[3] in moved}
    written = [LOG_VERSION]
    for output, (begin, end, time, command) in kept.items():
        written.append("\t".join((begin, end, time, output, f"{moved[command]:x}")))
    path.write_text("\n".join(written) + "\n")
    return len(kept), len(outputs)


def follow_deps(path, old, new):
    data = path.read_bytes()
    if not data.startswith(DEPS_HEADER):
        return
    at, written = len(DEPS_HEADER), [DEPS_HEADER]
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        is_list, size = size >> 31, size & 0x7FFFFFFF
        record = data[at + 4:at + 4 + size]
        at += 4 + size
        if not is_list:  # a path, padded to words, and a check of its number
            name = here(record[:-4].rstrip(b"\0").decode(), old, new).encode()
            record = name + b"\0" * (-len(name) % 4) + record[-4:]
            size = len(record)
        written.append(struct.pack("<I", is_list << 31 | size) + record)
    path.write_bytes(b"".join(written))


def main():
    build, old, new = pathlib.Path(sys.argv[1]), sys.argv[2].rstrip("/"), str(pathlib.Path.cwd())
    moved = moved_commands(build, old, new)
    follow_deps(build / ".ninja_deps", old, new)
    kept, outputs = follow_log(build / ".ninja_log", old, new, moved)
    print(f"{kept} of {outputs} built files are used as they are")


if __name__ == "__main__":
    main()
