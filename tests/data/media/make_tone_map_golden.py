#!/usr/bin/env python3
"""Writes tone_map_golden.h: what HDR signals become, in double precision, from the standards that
docs/corpora.md names. Run it in this folder after a change of the curve, and look at what differs."""
import itertools
import math
import random

BT2020_TO_709 = [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]
LUMA = [0.262700, 0.677998, 0.059302]


def pq_eotf(e):
    p = e ** (32 / 2523)
    return 10000 * (max(p - 0.8359375, 0) / (18.8515625 - 18.6875 * p)) ** (8192 / 1305)


def pq_inverse(light):
    y = (light / 10000) ** (1305 / 8192)
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** (2523 / 32)


def hlg_light(rgb):
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = [e * e / 3 if e <= 0.5 else (math.exp((e - c) / a) + b) / 12 for e in rgb]
    y = sum(k * s for k, s in zip(LUMA, scene))
    return [1000 * y**0.2 * s if y > 0 else 0 for s in scene]


def eetf(light, peak=1000, target=203):
    e1 = min(pq_inverse(light) / pq_inverse(peak), 1)
    max_lum = pq_inverse(target) / pq_inverse(peak)
    ks = 1.5 * max_lum - 0.5
    if e1 >= ks:
        t = (e1 - ks) / (1 - ks)
        e1 = (2 * t**3 - 3 * t**2 + 1) * ks + (t**3 - 2 * t**2 + t) * (1 - ks) + (3 * t**2 - 2 * t**3) * max_lum
    return pq_eotf(e1 * pq_inverse(peak))


def shown(transfer, signal):
    light = [pq_eotf(e) for e in signal] if transfer == "pq" else hlg_light(signal)
    y = sum(k * c for k, c in zip(LUMA, light))
    rgb = [sum(k * c for k, c in zip(row, light)) for row in BT2020_TO_709]
    if min(rgb) < 0:
        rgb = [y + (c - y) * y / (y - min(rgb)) for c in rgb]
    top = max(rgb)
    if top <= 0:
        return [0, 0, 0]
    return [255 * min(max(c * eetf(top) / top / 203, 0), 1) ** (1 / 2.4) for c in rgb]


def main():
    random.seed(1)
    signals = [(e, e, e) for e in [0, 0.1, 0.25, 0.4, 0.5, 0.508, 0.58069, 0.65, 0.7518, 0.75, 0.9, 1]]
    signals += list(itertools.product([0, 0.45, 0.75], repeat=3))
    signals += [tuple(round(random.random(), 4) for _ in range(3)) for _ in range(60)]
    with open("tone_map_golden.h", "w") as out:
        out.write("#pragma once\n\n// Written by make_tone_map_golden.py.\nnamespace muybridge {\n\n")
        out.write("struct ToneMapGolden {\n  bool hlg;\n  double signal[3];\n  double shown[3];  // of 255\n};\n\n")
        out.write("inline constexpr ToneMapGolden kToneMapGolden[] = {\n")
        for transfer in ("pq", "hlg"):
            for signal in signals:
                numbers = "}, {".join(", ".join(f"{v:.7g}" for v in t) for t in (signal, shown(transfer, signal)))
                out.write(f"    {{{'true' if transfer == 'hlg' else 'false'}, {{{numbers}}}}},\n")
        out.write("};\n\n}  // namespace muybridge\n")


if __name__ == "__main__":
    main()
