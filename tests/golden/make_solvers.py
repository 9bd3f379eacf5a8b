#!/usr/bin/env python3
"""Writes solvers.safetensors beside it: how schedulers of the diffusers library, set up as for
Wan2.1, bring points along the flow from noise to a mixture of Gaussians: their sigmas, the
timesteps that they tell a model, and the points after each step. Velocities and steps are computed
in f64 from the schedulers' f32 sigmas (DPM-Solver++ rounds its points to f32), stored as f32.

  python tests/golden/make_solvers.py [FOLDER]     (torch 2.15, diffusers 0.42)
"""

import sys
from pathlib import Path

import torch
from diffusers import DPMSolverMultistepScheduler, UniPCMultistepScheduler
from make_golden import write_safetensors

SCHEDULERS = {"unipc": UniPCMultistepScheduler, "dpmpp_2m": DPMSolverMultistepScheduler}
CASES = [(1, 3), (2, 5), (3, 3), (8, 5), (25, 3), (27, 1), (50, 8)]  # steps, shift
POINTS, WIDTH = 8, 4


class Mixture:
    def __init__(self, generator):
        self.means = torch.randn(3, WIDTH, generator=generator)
        self.deviations = torch.tensor([0.3, 0.5, 0.2])
        self.weights = torch.tensor([0.5, 0.3, 0.2])

    def velocity(self, x, t):
        """E[noise - clean | (1 - t) clean + t noise = x]"""
        means, deviations, weights = (v.double() for v in (self.means, self.deviations, self.weights))
        variance = ((1 - t) * deviations) ** 2 + t ** 2
        away = x[:, None] - (1 - t) * means
        logits = weights.log() - away.square().sum(-1) / (2 * variance) - WIDTH / 2 * variance.log()
        slopes = ((t - (1 - t) * deviations ** 2) / variance)[None, :, None]
        return (logits.softmax(-1)[..., None] * (slopes * away - means)).sum(1)


def walk(scheduler, mixture, noise):
    # As pipelines do; but in f64, where f32 loses digits of the third phi function.
    scheduler.sigmas = scheduler.sigmas.double()
    x, points = noise.double(), []
    for t in scheduler.timesteps:
        velocity = mixture.velocity(x.double(), t.item() / 1000)
        x = scheduler.step(velocity, t, x, return_dict=False)[0]
        points.append(x)
    return torch.stack(points)


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    generator = torch.Generator().manual_seed(3)
    mixture = Mixture(generator)
    noise = torch.randn(POINTS, WIDTH, generator=generator)
    tensors = {"means": mixture.means, "deviations": mixture.deviations,
               "weights": mixture.weights, "noise": noise}
    for word, kind in SCHEDULERS.items():
        for steps, shift in CASES:
            scheduler = kind(prediction_type="flow_prediction", use_flow_sigmas=True,
                             flow_shift=shift)
            scheduler.set_timesteps(steps)
            scheduler.set_begin_index(0)
            case = f"{word}.{steps}.{shift}"
            tensors[f"{case}.sigmas"] = scheduler.sigmas
            tensors[f"{case}.timesteps"] = scheduler.timesteps.float()
            tensors[f"{case}.points"] = walk(scheduler, mixture, noise).float()
    write_safetensors(folder / "solvers.safetensors", tensors, {})


if __name__ == "__main__":
    main()
