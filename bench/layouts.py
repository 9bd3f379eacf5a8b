#!/usr/bin/env python3
"""Trains one small model on many layouts of ranks and holds each against one rank.

  bench/layouts.py --program build/release/muybridge [--quick] [--precision f32|bf16] [--only REGEX]

One line a layout: the largest difference, relative to one rank, of the loss and of the gradient's
norm over all steps, of that norm in the first step, and of the final weights (the norm of the
difference over the norm of a tensor, the worst tensor). Exit code 1 where one is past its bound.

The corpus has clips of three sizes and lengths, packed with slack, in nine micro-batches a step.
"""

import argparse
import json
import math
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from array import array

BOUNDS = {
    "f32": dict.fromkeys(("loss", "grad_norm", "weights", "validation"), 1e-5),
    # A rounding that falls otherwise sends the runs on ways of their own: of the gradient's norm, the
    # most sensitive, the first step's is held, where they are together.
    "bf16": {"loss": 2e-2, "first_norm": 1e-3, "weights": 2e-2, "validation": 2e-2},
}

CONFIG = """
run: {name: layouts}
model: {patch: [4, 8, 8], width: 96, depth: 8, heads: 8, mlp_width: 192, text_width: 64,
        text_depth: 1, text_heads: 8, head_mlp_width: 32}
batch: {tokens: 192, micro_batches: 9}
optimizer: {learning_rate: 1e-3, warmup_steps: 5, clip_norm: 1}
train: {seed: 3, checkpoint_every: 0}
eval: {every: 0, samples: 0, validation_clips: 8}
"""

# Keys of parallel, and of model where recompute matters.
LAYOUTS = [
    "data=2",
    "data=3",
    "data=4",
    "data=8",
    "tensor=2",
    "tensor=4",
    "tensor=8",
    "context=2",
    "context=4",
    "context=8",
    "tensor=2 context=2",
    "tensor=4 context=2",
    "tensor=2 context=4",
    "pipeline=2 schedule=gpipe",
    "pipeline=2 schedule=1f1b",
    "pipeline=3 schedule=1f1b",
    "pipeline=4 schedule=zb_h1",
    "pipeline=8 schedule=1f1b",
    "pipeline=2 schedule=interleaved",
    "pipeline=4 schedule=interleaved virtual_stages=2",
    "pipeline=2 schedule=interleaved virtual_stages=4",
    "pipeline=2 schedule=zb_v",
    "pipeline=4 schedule=zb_v",
    "pipeline=2 schedule=tuned virtual_stages=3",
    "tensor=2 pipeline=4 schedule=tuned",
    "data=3 zero=1",
    "data=2 zero=2",
    "data=3 zero=3",
    "data=4 zero=3 recompute=block",
    "data=2 tensor=2 zero=1",
    "data=2 tensor=2 zero=3",
    "tensor=2 context=2 zero=3",
    "data=2 pipeline=2 schedule=zb_v zero=3",
    "data=2 tensor=2 pipeline=2 schedule=interleaved zero=2",
    "data=2 tensor=2",
    "data=2 tensor=4",
    "data=4 tensor=2",
    "data=2 context=2",
    "data=2 tensor=2 context=2",
    "data=2 pipeline=2 schedule=zb_h1",
    "data=4 pipeline=2 schedule=zb_v",
    "data=2 tensor=2 pipeline=2 schedule=1f1b",
    "data=3 tensor=2",
    "tensor=2 context=2 pipeline=2 schedule=1f1b",
    "tensor=2 pipeline=2 schedule=zb_v",
    "tensor=2 pipeline=4 schedule=zb_v",
    "context=2 pipeline=2 schedule=interleaved",
    "context=2 pipeline=4 schedule=zb_h1",
    "tensor=2 context=2 pipeline=2 schedule=zb_v recompute=block",
    "context=2 context_method=ring",
    "context=3 context_method=ring",
    "context=8 context_method=ring",
    "context=4 context_method=ring ring=2",
    "context=6 context_method=ring ring=3",
    "tensor=2 context=2 context_method=ring",
    "tensor=2 context=4 context_method=ring ring=2",
    "data=2 context=3 context_method=ring",
    "context=3 pipeline=2 context_method=ring schedule=interleaved",
    "context=4 pipeline=2 context_method=ring schedule=interleaved",
    "context=4 pipeline=2 context_method=ring ring=2 schedule=zb_v",
    "tensor=2 context=2 pipeline=2 context_method=ring schedule=zb_v recompute=attention",
]
QUICK = [
    "data=3 zero=3",
    "data=2 tensor=2 pipeline=2 schedule=1f1b",
    "tensor=2 context=2 pipeline=2 schedule=zb_v recompute=block",
    "context=2 pipeline=2 schedule=interleaved",
    "context=3 pipeline=2 context_method=ring schedule=interleaved",
]


def overrides_of(layout):
    pairs = dict(pair.split("=") for pair in layout.split())
    keys = {key: ("model." if key == "recompute" else "parallel.") + key for key in pairs}
    ranks = math.prod(int(pairs.get(key, 1)) for key in ("data", "tensor", "context", "pipeline"))
    pairs.setdefault("data", "1")
    keys["data"] = "parallel.data"
    return ranks, [f"{keys[key]}={value}" for key, value in pairs.items()]


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nexit code {done.returncode}\n{done.stderr[-3000:]}")
    return done


def make_corpus(program, folder):
    """Clips of three sizes and lengths in one prepared corpus."""
    for size, frames in (("32x32", 16), ("48x32", 8), ("64x48", 4)):
        run([program, "corpus", "make", "shapes", folder / "clips" / f"{size}-{frames}", "--size", size,
             "--frames", str(frames), "--clips", "60", "--validation", "6"])
    for part in ("train", "validation"):
        (folder / "mixed" / part).mkdir(parents=True)
        for file in sorted((folder / "clips").glob(f"*/{part}/*")):
            shutil.copy(file, folder / "mixed" / part / f"{file.parent.parent.name}-{file.name}")
    run([program, "prepare", folder / "mixed", folder / "prepared", "--resize", "native", "--frames",
         "16", "--min-frames", "4", "--frame-step", "4"])
    return folder / "prepared"


def weights_of(program, folder):
    """The weights of the last step, by name."""
    file = folder / "weights.safetensors"
    run([program, "checkpoint", "export", folder, file, "--raw"])
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        tensors[name] = array("f", data[8 + length + begin : 8 + length + end])
    return tensors


def train(program, config, folder, ranks, overrides):
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1",
                       OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    launcher = ["mpirun", "-np", str(ranks), "--oversubscribe", "--bind-to", "none"] if ranks > 1 else []
    run([*launcher, program, "train", config, f"run.folder={folder}", *overrides], env=environment)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return lines, weights_of(program, folder)


def norm(values):
    return math.sqrt(math.fsum(value * value for value in values))


def worst_weights(got, want):
    if got.keys() != want.keys():
        sys.exit(f"other tensors: {sorted(got.keys() ^ want.keys())[:5]}")
    worst = 0.0
    for name, tensor in want.items():
        size = norm(tensor)
        off = norm(a - b for a, b in zip(got[name], tensor))
        worst = max(worst, off / size if size > 0 else off)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--precision", choices=BOUNDS, default="f32")
    parser.add_argument("--matrices", choices=("adamw", "muon"), default="adamw")
    parser.add_argument("--quick", action="store_true", help="a few layouts that have a bit of all")
    parser.add_argument("--only", help="layouts that match this regular expression")
    arguments = parser.parse_args()
    program = arguments.program.resolve()
    bounds = BOUNDS[arguments.precision]
    layouts = [each for each in (QUICK if arguments.quick else LAYOUTS)
               if re.search(arguments.only or "", each)]

    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        corpus = make_corpus(program, folder)
        config = folder / "layouts.yaml"
        config.write_text(CONFIG)
        common = [f"data.train={corpus}", f"train.steps={arguments.steps}",
                  f"train.precision={arguments.precision}", f"optimizer.matrices={arguments.matrices}"]
        want, weights = train(program, config, folder / "one", 1, [*common, "parallel.data=1"])
        print(f"one rank: {len(want)} steps, loss {want[0]['loss']:.5f} -> {want[-1]['loss']:.5f}, "
              f"validation {want[-1]['validation_loss']:.5f}", flush=True)
        for number, layout in enumerate(layouts):
            ranks, overrides = overrides_of(layout)
            got, ours = train(program, config, folder / f"run-{number}", ranks, [*common, *overrides])
            if [line["tokens"] for line in got] != [line["tokens"] for line in want]:
                sys.exit(f"{layout}: other tokens than one rank's")
            off = {key: max(abs(a[key] - b[key]) / abs(b[key]) for a, b in zip(got, want))
                   for key in ("loss", "grad_norm")}
            off["first_norm"] = abs(got[0]["grad_norm"] / want[0]["grad_norm"] - 1)
            off["weights"] = worst_weights(ours, weights)
            off["validation"] = abs(got[-1]["validation_loss"] / want[-1]["validation_loss"] - 1)
            bad = [f"{key} {bound:.0e}" for key, bound in bounds.items() if not off[key] <= bound]
            failed += bool(bad)
            print(f"{ranks} ranks  {layout:60s} " +
                  "  ".join(f"{key} {value:.1e}" for key, value in off.items()) +
                  (f"  PAST {', '.join(bad)}" if bad else "  equal"), flush=True)
            shutil.rmtree(folder / f"run-{number}")
    print(f"{len(layouts)} layouts, {failed} past the bounds")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
