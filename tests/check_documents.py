#!/usr/bin/env python3
"""The commands in README.md and docs/*.md are real: scripts, files and links exist, every command
and option of muybridge is in its --help, every configuration with its overrides checks."""
import functools
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build" / "release" / "muybridge"
BLOCK = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
OURS = re.compile(r"^(?:\./)?((?:launch|configs|tests|docs|bench|cmake)/[\w./-]+)$")
OVERRIDE = re.compile(r"^[a-z_]+(\.[a-z_]+)+=")


@functools.cache
def run_muybridge(*words):
    result = subprocess.run([PROGRAM, *words], cwd=ROOT, capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def command_path(words):
    """`checkpoint show` of `checkpoint show runs/x`: the words that name a command."""
    path = []
    for word in words:
        code, text = run_muybridge(*path, "--help")
        listed = re.search(r"^Subcommands:\n((?:^ .*\n?)+)", text, re.MULTILINE)
        if code or not listed or not re.search(rf"^  {re.escape(word)}\b", listed[1], re.MULTILINE):
            break
        path.append(word)
    return path


def check_muybridge(words):
    path = command_path(words)
    if words and not path and not words[0].startswith("-"):
        yield f"muybridge has no command '{words[0]}'"
        return
    code, text = run_muybridge(*path, "--help")
    if code:
        yield f"muybridge {' '.join(path)} --help exits {code}"
    for word in words:
        option = word.split("=")[0]
        if option.startswith("--") and option not in text:
            yield f"muybridge {' '.join(path)} has no option {option}"
    configs = [word for word in words if word.startswith("configs/")]
    overrides = [word for word in words if OVERRIDE.match(word)]
    if configs:
        code, text = run_muybridge("config", "check", configs[0], *overrides)
        if code:
            yield text.strip()


def check_command(words):
    """A simple command, its environment's assignments already gone."""
    for word in words:
        ours = OURS.match(word)
        if ours and not (ROOT / ours[1]).exists():
            yield f"{word} does not exist"
    if words[0].startswith("./") and OURS.match(words[0]):
        path = ROOT / words[0]
        if path.is_file() and not path.stat().st_mode & 0o100:
            yield f"{words[0]} is not executable"
    for place, word in enumerate(words):
        if word == "muybridge" or word.endswith("/muybridge"):
            yield from check_muybridge(words[place + 1:])
            return


def commands(block):
    for line in block.replace("\\\n", " ").split("\n"):
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        simple = []
        for word in [*lexer, ";"]:
            if word in ("|", "||", "&&", ";", "&"):
                while simple and re.match(r"^\w+=", simple[0]):
                    simple.pop(0)
                if simple:
                    yield simple
                simple = []
            else:
                simple.append(word)


def complaints(document):
    text = document.read_text()
    for block in BLOCK.findall(text):
        for words in commands(block):
            for why in check_command(words):
                yield f"`{' '.join(words)}`: {why}"
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    for link in LINK.findall(prose):
        if "://" not in link and not (document.parent / link).exists():
            yield f"link to {link}, which does not exist"


def main():
    found = 0
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for why in complaints(document):
            print(f"{document.relative_to(ROOT)}: {why}")
            found += 1
    if not found:
        print("documents: their commands, files and links exist")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
