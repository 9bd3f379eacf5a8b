"""A video DiT of the Wan2.1 kind as plain functions over a dict of named parameters: the reference
that golden files and bench/compare.sh measure Muybridge against.

C clips  T tokens of all clips  S text bytes of all captions  A heads  E head width  D width
Clips lie end to end in one row of tokens, captions end to end in one row of bytes; no padding.
"""

import math
from dataclasses import dataclass
from itertools import accumulate

import torch
import torch.nn.functional as F

BOS = 256
TIME_FEATURES = 256


@dataclass(frozen=True)
class Config:
    width: int = 128
    heads: int = 4
    depth: int = 4
    mlp_width: int = 512
    patch: tuple = (2, 4, 4)  # frames, rows, columns
    channels: int = 3
    text_width: int = 128
    text_heads: int = 4
    text_depth: int = 2
    text_mlp_width: int = 512

    @property
    def patch_width(self):
        return math.prod(self.patch) * self.channels


class Packing:
    """Grids (frames, rows, columns in patches) of the clips and byte counts of their captions, on the host."""

    def __init__(self, grids, text_lengths):
        self.grids = [tuple(g) for g in grids]
        self.lengths = [math.prod(g) for g in self.grids]
        self.text_lengths = list(text_lengths)
        self.uniform = len(set(self.lengths)) == 1
        self.clip_of_token = torch.repeat_interleave(torch.arange(len(self.lengths)), torch.tensor(self.lengths))


def offsets(lengths):
    return [0, *accumulate(lengths)]


def text_ids(captions):
    """Packed ids and the length of each caption; an empty caption is BOS alone."""
    rows = [[BOS, *c.encode()] for c in captions]
    return torch.tensor([i for r in rows for i in r]), [len(r) for r in rows]


def parameter_shapes(c):
    shapes = {}

    def linear(name, inputs, outputs):
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (outputs, inputs), (outputs,)

    def norm(name, width):
        shapes[f"{name}.weight"] = (width,)

    linear("patch_embedding", c.patch_width, c.width)
    shapes["text_encoder.embedding"] = (257, c.text_width)
    for n in range(c.text_depth):
        b = f"text_encoder.blocks.{n}"
        norm(f"{b}.norm1", c.text_width)
        linear(f"{b}.attention.qkv", c.text_width, 3 * c.text_width)
        norm(f"{b}.attention.norm_q", c.text_width)
        norm(f"{b}.attention.norm_k", c.text_width)
        linear(f"{b}.attention.out", c.text_width, c.text_width)
        norm(f"{b}.norm2", c.text_width)
        linear(f"{b}.mlp.up", c.text_width, c.text_mlp_width)
        linear(f"{b}.mlp.down", c.text_mlp_width, c.text_width)
    norm("text_encoder.norm", c.text_width)
    linear("text_embedding.0", c.text_width, c.width)
    linear("text_embedding.2", c.width, c.width)
    linear("time_embedding.0", TIME_FEATURES, c.width)
    linear("time_embedding.2", c.width, c.width)
    linear("time_projection", c.width, 6 * c.width)
    for n in range(c.depth):
        b = f"blocks.{n}"
        shapes[f"{b}.modulation"] = (6, c.width)
        linear(f"{b}.self_attention.qkv", c.width, 3 * c.width)
        norm(f"{b}.self_attention.norm_q", c.width)
        norm(f"{b}.self_attention.norm_k", c.width)
        linear(f"{b}.self_attention.out", c.width, c.width)
        norm(f"{b}.norm3", c.width)
        shapes[f"{b}.norm3.bias"] = (c.width,)
        linear(f"{b}.cross_attention.q", c.width, c.width)
        linear(f"{b}.cross_attention.kv", c.width, 2 * c.width)
        norm(f"{b}.cross_attention.norm_q", c.width)
        norm(f"{b}.cross_attention.norm_k", c.width)
        linear(f"{b}.cross_attention.out", c.width, c.width)
        linear(f"{b}.mlp.up", c.width, c.mlp_width)
        linear(f"{b}.mlp.down", c.mlp_width, c.width)
    shapes["head.modulation"] = (2, c.width)
    linear("head.projection", c.width, c.patch_width)
    return shapes


def random_parameters(config, seed):
    """Random everywhere, so that no gradient is zero; norms' weights about one."""
    generator = torch.Generator().manual_seed(seed)
    parameters = {}
    for name, shape in parameter_shapes(config).items():
        x = torch.randn(shape, generator=generator)
        if "norm" in name and name.endswith("weight"):
            x = 1 + 0.1 * x
        elif len(shape) == 1:
            x = 0.1 * x
        elif name != "text_encoder.embedding":
            x = x / math.sqrt(shape[1])
        parameters[name] = x
    return parameters


def linear(p, name, x):
    return F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])


def rms_norm(p, name, x):
    return F.rms_norm(x, x.shape[-1:], p[f"{name}.weight"], 1e-6)


def layer_norm(x, weight=None, bias=None):
    return F.layer_norm(x, x.shape[-1:], weight, bias, 1e-6)


def mlp(p, name, x):
    return linear(p, f"{name}.down", F.gelu(linear(p, f"{name}.up", x), approximate="tanh"))


def angles(positions, width):
    """[n, width/2], in f64: position times 10000^(-2i/width)."""
    return positions.double()[:, None] * 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)


def rotation_1d(lengths, head_width, dtype):
    a = torch.cat([angles(torch.arange(n), head_width) for n in lengths])
    return a.cos().to(dtype), a.sin().to(dtype)


def rotation_3d(grids, head_width, dtype):
    """cos and sin [T, E/2]: pairs of the frame first, then of the row, then of the column."""
    space = 2 * (head_width // 6)
    rows = []
    for grid in grids:
        t, h, w = (m.flatten() for m in torch.meshgrid(*map(torch.arange, grid), indexing="ij"))
        rows.append(torch.cat([angles(t, head_width - 2 * space), angles(h, space), angles(w, space)], 1))
    a = torch.cat(rows)
    return a.cos().to(dtype), a.sin().to(dtype)


def rotate(x, rotation):
    """Turns adjacent pairs of x [..., T, A, E]."""
    cos, sin = (r.unsqueeze(-2) for r in rotation)
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


def packed_attention(q, k, v, q_lengths, k_lengths):
    """q [T,A,E], k and v [S,A,E]; a clip's queries see its own keys only. Returns [T,A*E]."""
    clips = len(q_lengths)
    if len(set(q_lengths)) == 1 and len(set(k_lengths)) == 1:
        q, k, v = (x.unflatten(0, (clips, -1)).transpose(1, 2) for x in (q, k, v))
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2).flatten(0, 1)
    parts = zip(q.split(q_lengths), k.split(k_lengths), v.split(k_lengths), strict=True)
    out = [F.scaled_dot_product_attention(*(x.transpose(0, 1)[None] for x in part)) for part in parts]
    return torch.cat([o[0].transpose(0, 1) for o in out]).flatten(1)


def attention(p, name, heads, q, k, v, q_lengths, k_lengths, rotation=None):
    """qk-norm over the full width, rotation, attention, output projection; all rows [T,D] and [S,D]."""
    q, k = rms_norm(p, f"{name}.norm_q", q), rms_norm(p, f"{name}.norm_k", k)
    q, k, v = (x.unflatten(-1, (heads, -1)) for x in (q, k, v))
    if rotation is not None:
        q, k = rotate(q, rotation), rotate(k, rotation)
    return linear(p, f"{name}.out", packed_attention(q, k, v, q_lengths, k_lengths))


def text_states(p, c, ids, lengths):
    """[S,D] from packed byte ids."""
    x = F.embedding(ids, p["text_encoder.embedding"])
    rotation = rotation_1d(lengths, c.text_width // c.text_heads, x.dtype)
    for n in range(c.text_depth):
        b = f"text_encoder.blocks.{n}"
        qkv = linear(p, f"{b}.attention.qkv", rms_norm(p, f"{b}.norm1", x)).chunk(3, -1)
        x = x + attention(p, f"{b}.attention", c.text_heads, *qkv, lengths, lengths, rotation)
        x = x + mlp(p, f"{b}.mlp", rms_norm(p, f"{b}.norm2", x))
    x = linear(p, "text_embedding.0", rms_norm(p, "text_encoder.norm", x))
    return linear(p, "text_embedding.2", F.gelu(x, approximate="tanh"))


def time_states(p, timesteps):
    """e [C,D] and e0 [C,6,D] of timesteps in 0..1."""
    a = angles(1000 * timesteps.double(), TIME_FEATURES)
    x = torch.cat([a.cos(), a.sin()], 1).to(p["time_embedding.0.weight"].dtype)
    e = linear(p, "time_embedding.2", F.silu(linear(p, "time_embedding.0", x)))
    return e, linear(p, "time_projection", F.silu(e)).unflatten(-1, (6, -1))


def block(p, name, heads, x, text, modulation, packing, rotation):
    """modulation: six rows that broadcast over x, which is [T,D] or, clips alike, [C,T/C,D]."""
    shift1, scale1, gate1, shift2, scale2, gate2 = modulation
    rows = x.shape
    qkv = linear(p, f"{name}.self_attention.qkv", layer_norm(x) * (1 + scale1) + shift1)
    q, k, v = qkv.flatten(0, -2).chunk(3, -1)
    y = attention(p, f"{name}.self_attention", heads, q, k, v, packing.lengths, packing.lengths, rotation)
    x = x + gate1 * y.view(rows)
    q = linear(p, f"{name}.cross_attention.q", layer_norm(x, p[f"{name}.norm3.weight"], p[f"{name}.norm3.bias"]))
    k, v = linear(p, f"{name}.cross_attention.kv", text).chunk(2, -1)
    y = attention(p, f"{name}.cross_attention", heads, q.flatten(0, -2), k, v, packing.lengths, packing.text_lengths)
    x = x + y.view(rows)
    return x + gate2 * mlp(p, f"{name}.mlp", layer_norm(x) * (1 + scale2) + shift2)


def velocity(p, c, tokens, timesteps, ids, packing, rotation=None, text=None):
    """tokens [T, patch_width], timesteps [C], ids [S] -> predicted noise minus clean, [T, patch_width].

    `text` is text_states of the ids, where they are known already.
    """
    if rotation is None:
        rotation = rotation_3d(packing.grids, c.width // c.heads, tokens.dtype)
    if text is None:
        text = text_states(p, c, ids, packing.text_lengths)
    e, e0 = time_states(p, timesteps)
    x = linear(p, "patch_embedding", tokens)
    if packing.uniform:
        x = x.unflatten(0, (len(packing.lengths), -1))

    def of_tokens(m):
        return m[:, None] if packing.uniform else m[packing.clip_of_token]

    for n in range(c.depth):
        modulation = [of_tokens(m) for m in (p[f"blocks.{n}.modulation"] + e0).unbind(1)]
        x = block(p, f"blocks.{n}", c.heads, x, text, modulation, packing, rotation)
    shift, scale = (of_tokens(m) for m in (p["head.modulation"] + e[:, None]).unbind(1))
    return linear(p, "head.projection", layer_norm(x) * (1 + scale) + shift).view(tokens.shape)
