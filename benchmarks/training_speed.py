"""An optimiser step of ours beside one of TRL's GRPOTrainer: tokens learnt a second, and memory.

Both get the same weights, the same samples and the same settings: DAPO's loss, no KL, AdamW, all weights learn, no
gradient checkpointing unless asked. Samples are like runs of an agent: members of a group share a prompt, then turns
that were written (learnt) and observations (not learnt) take turns, of random ids; `--shared-turns` of a member's
turns are those of the member before it, as when several open the same file. TRL's trainer runs its own loop: only
its generation is replaced, by one that returns these ids and advantages with the observations masked (tool_mask); its
loss, backward and optimiser are its own. Neither works out old log-probabilities, since the samples are on policy.
The gradients' norms say whether both did the same: they are printed.

Each runs in a process of its own. seconds: the median optimiser step but for the first. peak: the most resident memory
of the process; of the step: that minus what it had with the model open before the first step. The peer's micro-batch
is its fastest of those given.

Example: python benchmarks/training_speed.py --prompt 512 --turns 2 6 --members 8 --groups 2 --threads 2
With a model that was trained: --model smollm2-135m-instruct.q4_1.gguf --precision bfloat16
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence

import msgspec
from _machine import machine_line, table
from _training_case import Case, Figures

from rl_trainer.model.settings import ModelSettings, Scratch
from rl_trainer.step.settings import StepSettings


def run_alone(way: str, case: Case) -> Figures:
    """In a process of its own; it prints its figures as the last line."""
    threads = str(case.step.threads or os.cpu_count())
    ended = subprocess.run(
        [sys.executable, __file__, "--worker", way, "--case", msgspec.json.encode(case).decode()],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": threads, "HF_HUB_OFFLINE": "1"},
        check=False,
    )
    if ended.returncode:
        raise SystemExit(f"{way}: {ended.stderr[-3000:]}")
    return msgspec.json.decode(ended.stdout.splitlines()[-1], type=Figures)


def measure(case: Case, peer_batches: Sequence[int], packings: Sequence[str]) -> str:
    found = [run_alone("peer", msgspec.structs.replace(case, peer_batch=batch)) for batch in peer_batches]
    theirs = min(found, key=lambda one: statistics.median(one.seconds[1:]))
    own = [
        run_alone("ours", msgspec.structs.replace(case, step=msgspec.structs.replace(case.step, packing=packing)))
        for packing in packings
    ]
    base = statistics.median(theirs.seconds[1:])
    rows: list[list[str]] = []
    for one in [*found, *own]:
        seconds = statistics.median(one.seconds[1:])
        rows.append(
            [
                one.name,
                f"{seconds:.2f}",
                f"{one.cpu:.2f}",
                f"{one.learnt / seconds:,.0f}",
                f"{base / seconds:.2f}x",
                f"{one.computed:,}",
                f"{one.peak_mb:,.0f}",
                f"{one.peak_mb - one.before_mb:,.0f}",
                f"{one.norms[0]:.5f}",
                f"{one.norms[-1]:.5f}",
            ]
        )
    head = ["", "s a step", "CPU s", "learnt tokens/s", "to the peer", "computed", "peak MB", "of the step"]
    head += ["first norm", "last"]
    return f"{theirs.learnt:,} tokens learnt of {theirs.given:,}\n\n{table(head, rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", choices=["ours", "peer"], help=argparse.SUPPRESS)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--model", default="scratch", help="a folder, a hub name, a *.gguf file; scratch by default")
    for name, value in (("layers", 6), ("width", 256), ("heads", 8), ("vocab", 4096)):
        parser.add_argument(f"--{name}", type=int, default=value, help=f"of the scratch model (default {value})")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--gradient-checkpointing", action="store_true")
    for name, value in (("groups", 2), ("members", 8), ("prompt", 512), ("written", 40), ("seen", 60), ("steps", 4)):
        parser.add_argument(f"--{name}", type=int, default=value, help=f"(default {value})")
    parser.add_argument("--turns", type=int, nargs=2, default=(2, 6), help="fewest and most of a run")
    parser.add_argument("--shared-turns", type=float, nargs="+", default=[0.0, 0.5])
    parser.add_argument("--tokens", type=int, default=8192, help="most in one row of ours")
    parser.add_argument("--peer-batch", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--packing", nargs="+", default=["none", "rows", "tree"])
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()
    if args.worker:
        import _training_workers as workers

        work = workers.ours if args.worker == "ours" else workers.peer
        print(json.dumps(msgspec.to_builtins(work(msgspec.json.decode(args.case, type=Case)))))
        return
    print(machine_line())
    for shared in args.shared_turns:
        print(
            f"\n{args.model}, {args.precision}; {args.groups} groups of {args.members}, a prompt of {args.prompt}, "
            f"{args.turns[0]} to {args.turns[1]} turns of {args.written} + {args.seen} tokens, {shared:.0%} shared"
        )
        print(measure(case_of(args, shared), args.peer_batch, args.packing), flush=True)


def case_of(args: argparse.Namespace, shared: float) -> Case:
    longest = args.prompt + args.turns[1] * (args.written + args.seen)
    shape = Scratch(layers=args.layers, width=args.width, heads=args.heads, vocab=args.vocab, context=longest)
    return Case(
        model=ModelSettings(
            name=args.model,
            scratch=shape if args.model == "scratch" else None,
            gradient_checkpointing=args.gradient_checkpointing,
        ),
        step=StepSettings(tokens=args.tokens, precision=args.precision, threads=args.threads, learning_rate=1e-5),
        groups=args.groups,
        members=args.members,
        prompt=args.prompt,
        turns=tuple(args.turns),
        written=args.written,
        seen=args.seen,
        shared_turns=shared,
        steps=args.steps,
    )


if __name__ == "__main__":
    main()
