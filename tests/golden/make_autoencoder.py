#!/usr/bin/env python3
"""Writes autoencoder.safetensors beside it: a small AutoencoderKLWan of the diffusers library with
random weights, what it makes of a clip, and all gradients. Weights and inputs are f32, reference
values are computed in f64 and stored as f32.

  python tests/golden/make_autoencoder.py [FOLDER]     (torch 2.15, diffusers 0.42)
"""

import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan
from make_golden import write_safetensors

CONFIG = dict(base_dim=4, z_dim=2, dim_mult=[1, 2, 2, 2], num_res_blocks=1,
              temperal_downsample=[False, True, True])
FRAMES, HEIGHT, WIDTH = 9, 16, 24  # a first frame and two chunks of four


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    torch.manual_seed(1)
    model = AutoencoderKLWan(**CONFIG)
    for name, parameter in model.named_parameters():
        if "gamma" in name:
            parameter.data = 1 + 0.2 * torch.randn_like(parameter)
        elif name.startswith("decoder.conv_out"):
            parameter.data *= 0.2  # so that nothing is clipped
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    model.double()
    pixels = torch.rand(1, 3, FRAMES, HEIGHT, WIDTH) * 2 - 1
    latents = torch.randn(1, CONFIG["z_dim"], 1 + (FRAMES - 1) // 4, HEIGHT // 8, WIDTH // 8)

    x = pixels.double().requires_grad_()
    moments = model.encode(x).latent_dist.parameters
    z = latents.double().requires_grad_()
    drawn = model.decode(z).sample
    assert drawn.abs().max() < 1, "nothing may be clipped"
    of_moments, of_drawn = torch.randn_like(moments).float(), torch.randn_like(drawn).float()
    ((moments * of_moments).sum() + (drawn * of_drawn).sum()).backward()

    # Clips as ours lie: frames, rows, columns, channels.
    def innermost(tensor):
        return tensor[0].permute(1, 2, 3, 0).detach().float()

    tensors = {f"weights.{name}": value for name, value in weights.items()}
    tensors |= {f"gradients.{name}": p.grad.float() for name, p in model.named_parameters()}
    tensors |= {"pixels": innermost(pixels), "moments": innermost(moments),
                "dmoments": innermost(of_moments), "dpixels": innermost(x.grad),
                "latents": innermost(latents), "drawn": innermost(drawn),
                "ddrawn": innermost(of_drawn), "dlatents": innermost(z.grad)}
    write_safetensors(folder / "autoencoder.safetensors", tensors,
                      {"width": CONFIG["base_dim"], "latent_channels": CONFIG["z_dim"],
                       "blocks": CONFIG["num_res_blocks"]})


if __name__ == "__main__":
    main()
