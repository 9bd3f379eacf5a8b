#!/usr/bin/env python3
"""How long the stages of a pipeline stood idle, by a run's timeline, and what its schedule would
make of the same computations if messages took no time.

  bench/bubble.py runs/x/trace/steps-00000002-00000011.json

The run has `trace.steps` and only `parallel.pipeline` ranks. For each step: the share of the
stages' time, from the first computation to the last, in which no stage computed (executed), and the
same where each computation takes as long as it did, in the order that it had on its stage, and
begins as soon as its stage is free and what it needs is there (replayed). Waits within a computation
are left out of it.
"""

import argparse
import collections
import json
import re
import statistics

ACTION = re.compile(r"^([FBIW])(\d+)(?:\.(\d+))?$")


def read(path):
    """Of each rank: spans of work [(kind, micro-batch, chunk, begin, end)], and waits."""
    try:
        with open(path) as file:
            everything = json.load(file)["traceEvents"]
    except (OSError, ValueError, KeyError) as error:
        raise SystemExit(f"{path}: no timeline: {error}") from error
    stages = [e["args"]["name"] for e in everything if e["name"] == "process_name"]
    pipeline = [re.search(r"data 0, tensor 0, context 0, stage \d+$", name) for name in stages]
    if len(stages) < 2 or not all(pipeline):
        raise SystemExit(f"{path}: of {len(stages)} rank(s) that are not the stages of one pipeline; train "
                         "with parallel.pipeline ranks alone")
    events = [e for e in everything if e["ph"] == "X"]
    work, waits = collections.defaultdict(list), collections.defaultdict(list)
    for event in sorted(events, key=lambda e: e["ts"]):
        begin, end = event["ts"], event["ts"] + event["dur"]
        if match := ACTION.match(event["name"]):
            kind, batch, chunk = match[1], int(match[2]), int(match[3] or 0)
            work[event["pid"]].append([kind, batch, chunk, begin, end])
        elif event["name"] == "wait":
            waits[event["pid"]].append((begin, end))
    return work, waits


def without_waits(spans, waits):
    """(action, seconds of computing, end), as a stage computes only outside of its waits."""
    out = []
    for kind, batch, chunk, begin, end in spans:
        waited = sum(max(0.0, min(end, e) - max(begin, b)) for b, e in waits)
        out.append(((kind, batch, chunk), end - begin - waited, begin, end))
    return out


def steps_of(actions):
    """Cuts a rank's actions where an action comes again."""
    steps, seen = [[]], set()
    for action in actions:
        if action[0] in seen:
            steps.append([])
            seen = set()
        seen.add(action[0])
        steps[-1].append(action)
    return steps


def section(rank, chunk, ranks, chunks, shape):
    if shape == "v":
        return rank if chunk == 0 else 2 * ranks - 1 - rank
    return chunk * ranks + rank


def replay(step, shape):
    """When the last rank is done, if nothing but the order and what is needed holds it up."""
    ranks = len(step)
    chunks = 1 + max(action[0][2] for rank in step for action in rank)
    at = {section(r, c, ranks, chunks, shape): (r, c) for r in range(ranks) for c in range(chunks)}
    done, free, place = {}, [0.0] * ranks, [0] * ranks
    while any(place[r] < len(step[r]) for r in range(ranks)):
        moved = False
        for r in range(ranks):
            while place[r] < len(step[r]):
                (kind, batch, chunk), seconds, _, _ = step[r][place[r]]
                s = section(r, chunk, ranks, chunks, shape)
                needs = None
                if kind == "F" and s > 0:
                    needs = ("F", batch, s - 1)
                if kind in "BI" and s + 1 < len(at):
                    needs = ("B", batch, s + 1)
                if needs and needs not in done:
                    break
                begin = max(free[r], done[needs] if needs else 0.0)
                free[r] = begin + seconds
                done["B" if kind in "BI" else kind, batch, s] = free[r]
                place[r] += 1
                moved = True
        if not moved:
            raise SystemExit("the order of the timeline cannot be replayed: a schedule zb_v needs --shape v")
    return max(free)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("timeline")
    parser.add_argument("--shape", choices=("loop", "v"), default="loop", help="v: of zb_v")
    arguments = parser.parse_args()
    work, waits = read(arguments.timeline)
    ranks = sorted(work)
    by_rank = [steps_of(without_waits(work[r], waits[r])) for r in ranks]
    executed, replayed = [], []
    for step in zip(*by_rank):
        busy = sum(action[1] for rank in step for action in rank)
        begin = min(rank[0][2] for rank in step)
        end = max(rank[-1][3] for rank in step)
        executed.append(1 - busy / (len(step) * (end - begin)))
        replayed.append(1 - busy / (len(step) * replay(step, arguments.shape)))
    first = re.search(r"steps-(\d+)-", arguments.timeline)
    for n, (a, b) in enumerate(zip(executed, replayed), int(first[1]) if first else 1):
        print(f"step {n}: executed {100 * a:.1f}%, replayed {100 * b:.1f}%")
    a, b = statistics.median(executed), statistics.median(replayed)
    print(f"median of {len(executed)} steps: executed {100 * a:.1f}%, replayed {100 * b:.1f}%, "
          f"executed over replayed {a / b if b else float('nan'):.2f}")


if __name__ == "__main__":
    main()
