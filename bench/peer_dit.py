#!/usr/bin/env python3
"""Times PyTorch on the train step and the sampling step of a packed batch, for bench/compare.sh.

Alone it prints one JSON line a case:
  peer_dit.py --threads 2 --cases train,compile,fp32 sample,eager,bf16
Driven, it takes one case, prints "ready", then seconds for every line "go" on stdin, so that its repeats
can stand between somebody else's:
  peer_dit.py --threads 2 --cases train,compile,fp32 --drive

A train step is forward, backward and AdamW. Sampling encodes the captions, draws noise and makes EULER_STEPS
Euler steps with guidance (a forward of the captioned and of the captionless clips, as two batches). Where PyTorch offers several ways (attention of
captions of different lengths; bf16 by autocast or by bf16 weights with an f32 master), each is tried
and the fastest is kept.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "golden"))
import reference_dit as dit  # noqa: E402

EULER_STEPS = 4
CASES = [f"{job},{mode},{dtype}" for job in ("train", "sample") for mode in ("eager", "compile") for dtype in ("fp32", "bf16")]


def arguments():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--cases", nargs="+", default=CASES, help="job,mode,dtype of each case; all by default")
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--repeats", type=int, default=15)
    a.add_argument("--drive", action="store_true", help="one repeat a line of stdin")
    a.add_argument("--clips", default="8*8x8x8", help="N*TxHxW in patches, comma between groups")
    a.add_argument("--caption-bytes", default="26", help="length with BOS of each caption; one number serves all")
    a.add_argument("--patch", default="2x4x4")
    for name, value in dict(width=128, heads=4, depth=4, mlp_width=512, text_width=128, text_heads=4, text_depth=2,
                            text_mlp_width=512).items():
        a.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    return a.parse_args()


def grids(text):
    out = []
    for group in text.split(","):
        count, grid = group.split("*")
        out += [tuple(map(int, grid.split("x")))] * int(count)
    return out


def padded_attention(q, k, v, q_lengths, k_lengths):
    """As reference_dit.packed_attention, but captions of different lengths become one masked batch."""
    if len(set(q_lengths)) > 1 or len(set(k_lengths)) == 1:
        return dit_packed_attention(q, k, v, q_lengths, k_lengths)
    clips, longest = len(k_lengths), max(k_lengths)
    lengths = torch.tensor(k_lengths)[:, None]
    column = torch.arange(longest)[None]
    mask = column < lengths
    row = torch.where(mask, torch.tensor(dit.offsets(k_lengths[:-1]))[:, None] + column, 0)
    k, v = (x[row].transpose(1, 2) for x in (k, v))
    q = q.unflatten(0, (clips, -1)).transpose(1, 2)
    return F.scaled_dot_product_attention(q, k, v, mask[:, None, None]).transpose(1, 2).flatten(2).flatten(0, 1)


dit_packed_attention = dit.packed_attention


class Model(torch.nn.Module):
    """The reference with its parameters in a module, which lets inductor freeze them for sampling."""

    def __init__(self, config, grid_list, caption_lengths, dtype):
        super().__init__()
        self.config, self.packing = config, dit.Packing(grid_list, caption_lengths)
        for name, tensor in dit.random_parameters(config, 1).items():
            self.register_parameter(name.replace(".", "/"), torch.nn.Parameter(tensor.to(dtype)))
        self.rotation = dit.rotation_3d(grid_list, config.width // config.heads, dtype)

    def tensors(self):
        return {name.replace("/", "."): tensor for name, tensor in self.named_parameters()}

    def forward(self, tokens, timesteps, ids, text=None):
        return dit.velocity(self.tensors(), self.config, tokens, timesteps, ids, self.packing, self.rotation, text)

    def text(self, ids):
        return dit.text_states(self.tensors(), self.config, ids, self.packing.text_lengths)


def batch(config, grid_list, caption_lengths):
    packing = dit.Packing(grid_list, caption_lengths)
    generator = torch.Generator().manual_seed(3)
    shape = (sum(packing.lengths), config.patch_width)
    tokens, target = (torch.randn(shape, generator=generator) for _ in range(2))
    ids = torch.randint(0, 257, (sum(caption_lengths),), generator=generator)
    return tokens, target, torch.rand(len(grid_list), generator=generator), ids


def train_step(config, grid_list, captions, compiled, way):
    """way: fp32, autocast, or master (bf16 weights, f32 master and optimizer state)."""
    model = Model(config, grid_list, captions, torch.bfloat16 if way == "master" else torch.float32)
    tokens, target, timesteps, ids = batch(config, grid_list, captions)
    if way == "master":
        tokens = tokens.bfloat16()
    weights = list(model.parameters())
    master = [w.detach().float() for w in weights] if way == "master" else weights
    matrices = [m for m in master if m.ndim == 2]
    vectors = [m for m in master if m.ndim != 2]
    optimizer = torch.optim.AdamW([{"params": matrices}, {"params": vectors, "weight_decay": 0.0}],
                                  lr=1e-4, betas=(0.9, 0.95), weight_decay=0.01, fused=True)

    def loss_of(tokens, timesteps, ids, target):
        with torch.autocast("cpu", torch.bfloat16, enabled=way == "autocast"):
            out = model(tokens, timesteps, ids)
        return (out.float() - target).square().mean()

    forward = torch.compile(loss_of, dynamic=False) if compiled else loss_of

    def step():
        forward(tokens, timesteps, ids, target).backward()
        if way == "master":
            for m, w in zip(master, weights, strict=True):
                m.grad = w.grad.float()
        optimizer.step()
        if way == "master":
            with torch.no_grad():
                torch._foreach_copy_(weights, master)
        model.zero_grad(set_to_none=True)

    return step


def sampling(config, grid_list, captions, compiled, way):
    dtype = torch.bfloat16 if way == "master" else torch.float32
    with_caption, without = (Model(config, grid_list, c, dtype).eval() for c in (captions, [1] * len(captions)))
    tokens, _, _, ids = batch(config, grid_list, captions)
    bos = torch.full((len(captions),), dit.BOS)

    def texts(ids, bos):
        with torch.autocast("cpu", torch.bfloat16, enabled=way == "autocast"):
            return with_caption.text(ids), without.text(bos)

    def euler_step(tokens, timesteps, text, no_text):
        x = tokens.to(dtype)
        with torch.autocast("cpu", torch.bfloat16, enabled=way == "autocast"):
            captioned, free = with_caption(x, timesteps, ids, text), without(x, timesteps, bos, no_text)
        return tokens - (free + 4 * (captioned - free)).float() / EULER_STEPS

    if compiled:
        texts, euler_step = (torch.compile(f, dynamic=False, options={"freezing": True}) for f in (texts, euler_step))

    def sample():
        with torch.no_grad():
            states = texts(ids, bos)
            x = torch.randn_like(tokens)
            for i in range(EULER_STEPS):
                x = euler_step(x, torch.full((len(grid_list),), 1 - i / EULER_STEPS), *states)

    return sample


def seconds(step):
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def fastest(build, dtype, captions):
    """The fastest of the ways PyTorch offers: its step and its name."""
    ways = ["autocast", "master"] if dtype == "bf16" else ["fp32"]
    attentions = {"per clip": dit_packed_attention, "padded": padded_attention}
    if len(set(captions)) == 1:
        attentions = {"batched": dit_packed_attention}
    trials = []
    for way in ways:
        for name, attention in attentions.items():
            dit.packed_attention = attention
            step = build(way)
            warm = [seconds(step) for _ in range(5)]
            trials.append((min(warm[2:]), f"{way}, {name}", attention, step))
    _, name, dit.packed_attention, step = min(trials, key=lambda trial: trial[0])
    return step, name


def main():
    a = arguments()
    torch.set_num_threads(a.threads)
    torch.set_flush_denormal(True)
    config = dit.Config(a.width, a.heads, a.depth, a.mlp_width, tuple(map(int, a.patch.split("x"))), 3,
                        a.text_width, a.text_heads, a.text_depth, a.text_mlp_width)
    grid_list = grids(a.clips)
    captions = [int(n) for n in a.caption_bytes.split(",")]
    captions = captions * len(grid_list) if len(captions) == 1 else captions
    if a.drive and len(a.cases) != 1:
        sys.exit("peer_dit: --drive takes exactly one case")
    for case in a.cases:
        job, mode, dtype = case.split(",")
        torch._dynamo.reset()
        make = {"train": train_step, "sample": sampling}[job]
        step, way = fastest(lambda way: make(config, grid_list, captions, mode == "compile", way), dtype, captions)
        if a.drive:
            print("ready", way, flush=True)
            for line in sys.stdin:
                if line.strip() != "go":
                    break
                print(f"{seconds(step):.6f}", flush=True)
            return
        times = [seconds(step) for _ in range(a.repeats)]
        print(json.dumps({"name": f"pytorch {job} {mode} {dtype}", "seconds_median": statistics.median(times),
                          "seconds_min": min(times), "way": way, "threads": a.threads, "repeats": a.repeats,
                          "version": torch.__version__}), flush=True)


if __name__ == "__main__":
    main()
