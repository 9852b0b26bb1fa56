"""The same loss as the peer's: TRL's GRPOTrainer and our objectives on one small model and one batch.

A random Llama of two layers in float32, ragged completions with observation tokens in between (TRL's `tool_mask`),
old log-probabilities off the policy's so that ratios differ from 1 and some are clipped. For each objective that both
have, TRL's `_compute_loss` and ours give a loss and a gradient of all weights; the table has the relative differences.
Needs the extra `train` and trl.

Example: python benchmarks/objective_agreement.py --sequences 8 --length 24
"""

import argparse
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

from _machine import machine_line, table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

_HEADERS = ["objective", "loss", "apart from TRL", "norm of the gradient", "gradients apart, relative"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=8)
    parser.add_argument("--length", type=int, default=24, help="places after the prompt")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    missing = [name for name in ("torch", "transformers", "trl") if find_spec(name) is None]
    if missing:
        print(f"not run: {', '.join(missing)} not installed")
        return
    warnings.simplefilter("ignore")
    from _trl_loss import PEERS, compare

    print(machine_line())
    rows: list[list[str]] = []
    for name in PEERS:
        found = compare(name, sequences=given.sequences, length=given.length, seed=given.seed)
        numbers = (f"{found['loss']:.6f}", f"{found['apart']:.1e}", f"{found['gradient']:.4f}")
        rows.append([name, *numbers, f"{found['gradients_apart']:.1e}"])
    print(table(_HEADERS, rows))


if __name__ == "__main__":
    main()
