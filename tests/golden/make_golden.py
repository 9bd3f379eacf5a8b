#!/usr/bin/env python3
"""Writes the golden files beside it: weights and inputs are f32, reference values are computed in f64, stored as f32.

  /opt/torch/bin/python tests/golden/make_golden.py [FOLDER]
"""

import json
import struct
import sys
from dataclasses import asdict
from pathlib import Path

import torch
from reference_dit import Config, Packing, offsets, parameter_shapes, random_parameters, text_ids, velocity

CONFIG = Config(width=48, heads=2, depth=2, mlp_width=96, patch=(1, 2, 2), channels=3,
                text_width=32, text_heads=2, text_depth=1, text_mlp_width=128)
GRIDS = [(2, 3, 4), (1, 3, 5), (3, 2, 2)]
CAPTIONS = ["a red circle moving left", "", "é blue"]
LEARNING_RATE, BETAS, EPS, WEIGHT_DECAY, STEPS = 1e-3, (0.9, 0.95), 1e-8, 0.01, 20


def write_safetensors(path, tensors, metadata):
    names = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}
    header, blobs, position = {"__metadata__": {k: str(v) for k, v in metadata.items()}}, [], 0
    for name, tensor in tensors.items():
        blob = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [position, position + len(blob)]}
        blobs.append(blob)
        position += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))
    print(f"{path}: {path.stat().st_size} bytes, {len(tensors)} tensors")


def prefixed(prefix, tensors):
    return {f"{prefix}.{name}": t.detach().float() for name, t in tensors.items()}


def decays(name, tensor):
    return tensor.ndim == 2 and not name.endswith("modulation")


class Problem:
    """The model, its packed text and its clips, common to both files."""

    def __init__(self):
        self.ids, text_lengths = text_ids(CAPTIONS)
        self.packing = Packing(GRIDS, text_lengths)
        self.generator = torch.Generator().manual_seed(2)
        self.weights = random_parameters(CONFIG, seed=1)
        self.parameters = {n: w.double().requires_grad_() for n, w in self.weights.items()}

    def normal(self, *shape):
        return torch.randn(*shape, sum(self.packing.lengths), CONFIG.patch_width, generator=self.generator)

    def loss(self, tokens, timesteps, target):
        out = velocity(self.parameters, CONFIG, tokens, timesteps.double(), self.ids, self.packing)
        return out, (out - target).square().mean()

    def inputs(self):
        return {"inputs.text_ids": self.ids, "inputs.grids": torch.tensor(GRIDS),
                "inputs.token_offsets": torch.tensor(offsets(self.packing.lengths)),
                "inputs.text_offsets": torch.tensor(offsets(self.packing.text_lengths))}


def forward_backward(path):
    problem = Problem()
    tokens, target = problem.normal(), problem.normal()
    timesteps = torch.tensor([0.25, 0.9, 0.6])
    x = tokens.double().requires_grad_()
    out, loss = problem.loss(x, timesteps, target.double())
    loss.backward()
    gradients = {n: p.grad for n, p in problem.parameters.items()} | {"tokens": x.grad}
    assert all(g.abs().max() > 1e-7 for g in gradients.values())
    write_safetensors(path, {
        **prefixed("parameters", problem.weights), **problem.inputs(),
        "inputs.tokens": tokens, "inputs.timesteps": timesteps, "inputs.target": target,
        "outputs.velocity": out.detach().float(), "outputs.loss": loss.detach().float(),
        **prefixed("gradients", gradients)}, asdict(CONFIG))


def training_curve(path):
    """Starts from the parameters of the first file; tokens of step n are (1-t)·clean + t·noise[n], t by clip."""
    problem = Problem()
    clean, noise = problem.normal(), problem.normal(STEPS)
    timesteps = torch.rand(STEPS, len(GRIDS), generator=problem.generator)
    groups = [{"params": [p for n, p in problem.parameters.items() if decays(n, p) == decay],
               "weight_decay": WEIGHT_DECAY * decay} for decay in (True, False)]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=BETAS, eps=EPS)
    losses = []
    for step in range(STEPS):
        t = timesteps[step].double()[problem.packing.clip_of_token][:, None]
        tokens = (1 - t) * clean.double() + t * noise[step].double()
        _, loss = problem.loss(tokens, timesteps[step], noise[step].double() - clean.double())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach().float())
    write_safetensors(path, {
        **problem.inputs(), "inputs.clean": clean, "inputs.noise": noise, "inputs.timesteps": timesteps,
        "outputs.losses": torch.stack(losses), **prefixed("final", problem.parameters)},
        asdict(CONFIG) | {"learning_rate": LEARNING_RATE, "betas": BETAS, "eps": EPS, "weight_decay": WEIGHT_DECAY,
                          "weight_decay_on": "matrices, the embedding among them, modulation not"})
    print("losses", [round(float(x), 4) for x in losses])


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    assert set(parameter_shapes(CONFIG)) == set(random_parameters(CONFIG, 0))
    forward_backward(folder / "dit_forward_backward.safetensors")
    training_curve(folder / "training_curve.safetensors")
