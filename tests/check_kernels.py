#!/usr/bin/env python3
"""What the compiler made of the CUDA kernels, which no GPU is needed to know: nothing is spilled,
rows move 16 bytes at a time, and registers leave room for the threads that each kind was designed
for.

    tests/check_kernels.py [--table] TOOLS LIBRARY

TOOLS is the folder of cuobjdump and nvdisasm, LIBRARY that of core/cuda. Ends with 1 and a line for
each kernel that is not as it should be. --table prints what was found, a kernel a line.
"""

import argparse
import collections
import os
import re
import subprocess
import sys

REGISTERS = 65536  # of a multiprocessor, from sm_80 to sm_100
# Kinds of kernels: what their names begin with (behind the namespace), how many threads a
# multiprocessor must hold, and whether all that they read and write of a row is in packs.
KINDS = [
    ("packs_kernel<", 1536, True),
    ("packed_rows_kernel<", 640, True),
    ("packed_chunks_kernel<", 384, True),
    ("rows_kernel<Quantize", 512, False),  # each with 16 rows on their way
    ("rows_kernel<", 1024, False),
    ("chunks_kernel<", 1024, False),
    ("elements_kernel<Convolution", 1024, False),  # where cuDNN has no kernel
    ("elements_kernel<", 1280, False),
    ("add_chunks_kernel<", 2048, False),
    ("add_chunks_of_few_kernel<", 1536, False),
    ("tiled_forward_kernel<", 1024, False),
    ("tiled_keys_kernel<", 512, False),
    ("tiled_queries_kernel<", 1024, False),
]
# Bytes of a thread's own memory that these kernels may use. Angles in f64, of a handful of numbers,
# need an array; the others are for checks in f32 and f64, where the compiler prefers 8 bytes of stack to a
# 33rd register.
STACK = {
    "rows_kernel<Sinusoid<": 40,
    "elements_kernel<AdamW<float, float>": 8,
    "elements_kernel<ConvolutionInputGradient<double>": 32,
    "elements_kernel<AdamW<double, float>": 8,
    "chunks_kernel<float, BiasGeluGrad<float>": 8,
    "chunks_kernel<double, SquaredError<double>": 8,
}

# Kernels whose rows have a number or two each for results.
LEADERS = ("QkSquares<", "QkDots<", "LargestMagnitude<")


class Kernel:
    def __init__(self, name):
        self.name = name
        self.registers = self.stack = 0
        self.operations = collections.Counter()

    @property
    def short(self):
        """`rows_kernel<LayerNorm<float, float>>` of a whole signature."""
        name = re.sub(r"muybridge::(cuda::|functor::)?|\(anonymous namespace\)::", "", self.name)
        return re.sub(r" >", ">", re.sub(r"^void ", "", name).split("(")[0])

    def moves(self, direction):
        """Bytes that each instruction loads or stores in global memory: {16: 4, 2: 1}."""
        widths = collections.Counter()
        for operation, count in self.operations.items():
            fields = operation.split(".")
            if fields[0] != direction:
                continue
            width = next((int(f) // 8 for f in fields if f in ("64", "128", "256")), 4)
            width = {"U8": 1, "S8": 1, "U16": 2, "S16": 2}.get(
                next((f for f in fields if f in ("U8", "S8", "U16", "S16")), ""), width)
            widths[width] += count
        return dict(widths)


def run(tool, *arguments):
    result = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{tool} {' '.join(arguments)} ended with {result.returncode}: {result.stderr}")
    return result.stdout


def read_kernels(tools, library):
    """Kernels by architecture: {"sm_90a": {mangled name: Kernel}}."""
    cuobjdump = os.path.join(tools, "cuobjdump")
    os.environ["PATH"] = tools + os.pathsep + os.environ["PATH"]
    by_chip = collections.defaultdict(dict)
    chip, kernel = None, None
    for line in run(cuobjdump, "--dump-sass", library).splitlines():
        if match := re.match(r"\s*code for (sm_\w+)", line):
            chip = match[1]
        elif match := re.match(r"\s*Function : (\S+)", line):
            kernel = by_chip[chip][match[1]] = Kernel(match[1])
        elif match := re.match(r"\s*/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)", line):
            kernel.operations[match[1]] += 1
    chip, name = None, None
    for line in run(cuobjdump, "--dump-resource-usage", library).splitlines():
        if match := re.match(r"\s*arch = (sm_\w+)", line):
            chip = match[1]
        elif match := re.match(r"\s*Function (\S+):", line):
            name = match[1]
        elif match := re.match(r"\s*REG:(\d+) STACK:(\d+)", line):
            kernel = by_chip[chip][name]
            kernel.registers, kernel.stack = map(int, match.groups())
    for kernels in by_chip.values():
        plain = subprocess.run(["c++filt"], input="\n".join(kernels), capture_output=True, text=True,
                               check=True).stdout.splitlines()
        for kernel, name in zip(kernels.values(), plain):
            kernel.name = name
    return by_chip


def kind_of(kernel):
    return next((kind for kind in KINDS if kernel.short.startswith(kind[0])), None)


def faults_of(kernel):
    kind = kind_of(kernel)
    if kind is None:
        return [f"its kind is not among those of {os.path.basename(__file__)}"]
    _, threads, packed = kind
    if kernel.registers == 0 or not kernel.operations:
        return ["nothing could be read of it: is this another cuobjdump?"]
    faults = []
    allowed = next((size for name, size in STACK.items() if kernel.short.startswith(name)), 0)
    if kernel.stack > allowed:
        faults.append(f"{kernel.stack} bytes of memory of its own: spills, or an array that is "
                      "indexed by what the compiler does not know")
    if kernel.registers * threads > REGISTERS:
        faults.append(f"{kernel.registers} registers: {REGISTERS // kernel.registers} threads fit, "
                      f"{threads} are wanted")
    if packed:
        for direction in ("LDG", "STG"):
            narrow = {w: n for w, n in kernel.moves(direction).items() if w < 4}
            if narrow:
                faults.append(f"{direction} of {narrow} bytes: not in packs")
        for direction in ("LDG", "STG"):
            leaders = direction == "STG" and any(name in kernel.short for name in LEADERS)
            if not kernel.moves(direction).get(16) and not leaders:
                faults.append(f"{direction}: nothing is moved 16 bytes at a time")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--table", action="store_true")
    parser.add_argument("tools")
    parser.add_argument("library")
    options = parser.parse_args()
    by_chip = read_kernels(options.tools, options.library)
    found = 0
    for chip, kernels in sorted(by_chip.items()):
        for kernel in sorted(kernels.values(), key=lambda k: k.short):
            if options.table:
                print(f"{chip} {kernel.registers:3} registers, stack {kernel.stack:3}, "
                      f"loads {kernel.moves('LDG')} stores {kernel.moves('STG')} {kernel.short}")
            for fault in faults_of(kernel):
                found += 1
                print(f"{chip}: {kernel.short}: {fault}", file=sys.stderr)
    missing = [kind[0] for kind in KINDS
               if not by_chip or not all(any(kind_of(kernel) == kind for kernel in kernels.values())
                                         for kernels in by_chip.values())]
    if missing:
        sys.exit(f"{options.library}: no {', '.join(missing)}: was it built with CUDA?")
    print(f"kernels: {sum(map(len, by_chip.values()))} for {', '.join(sorted(by_chip))}, "
          f"{found} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
