# pyright: basic, reportMissingImports=false
# torch comes with the extra `train`; checking must work without it.
"""The network that learns: MiniLM whose queries may leave after some layers while passages go through all of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

QUERY_TOKENS, PASSAGE_TOKENS = 48, 80
_PER_RUN = 32
"""Texts of like length that go through the network together; padding costs more than more runs do."""


class ToolEncoder(nn.Module):
    """Texts to unit vectors, two ways: through all layers, or out early, through one more linear map.

    The early way is for queries: half the time of the whole. Both ways meet in one space, which is learnt.
    """

    def __init__(self, bert: Any, tokenizer: Any, *, query_layers: int) -> None:
        super().__init__()
        self.bert = bert
        self.tokenizer = tokenizer
        self.query_layers = query_layers
        width = int(bert.config.hidden_size)
        self.early = nn.Linear(width, width, bias=False)
        nn.init.eye_(self.early.weight)
        # The token table stays as it is: half of all weights, most of them of words that no tool of ours has.
        bert.embeddings.requires_grad_(False)

    @classmethod
    def load(cls, folder: Path, *, query_layers: int) -> "ToolEncoder":
        from transformers import AutoModel, PreTrainedTokenizerFast

        bert = AutoModel.from_pretrained(folder, attn_implementation="sdpa", add_pooling_layer=False)
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
        return cls(bert, tokenizer, query_layers=query_layers)

    def mix(self, before: Mapping[str, Tensor], share: float) -> None:
        """Make every weight `share` of what it is and the rest of what it was."""
        now = self.state_dict()
        self.load_state_dict({name: share * now[name] + (1 - share) * before[name] for name in now})

    def passages(self, texts: Sequence[str], *, tokens: int = PASSAGE_TOKENS) -> Tensor:
        """float32[len(texts), width], rows of length 1, through all layers."""
        return self._by_length(texts, tokens)[0]

    def queries(self, texts: Sequence[str], *, tokens: int = QUERY_TOKENS) -> tuple[Tensor, Tensor]:
        """The same through all layers, and out early."""
        late, early = self._by_length(texts, tokens)
        return late, nn.functional.normalize(self.early(early), dim=-1)

    def _by_length(self, texts: Sequence[str], tokens: int) -> tuple[Tensor, Tensor]:
        ids = self.tokenizer(list(texts), truncation=True, max_length=tokens, padding=False)["input_ids"]
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        runs = [order[start : start + _PER_RUN] for start in range(0, len(order), _PER_RUN)]
        found = [self._run([ids[place] for place in run]) for run in runs]
        back = torch.empty(len(order), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(order))
        late = torch.cat([late for late, _ in found])[back]
        early = torch.cat([early for _, early in found])[back]
        return nn.functional.normalize(late, dim=-1), early

    def _run(self, ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        longest = max(map(len, ids))
        tokens = torch.zeros((len(ids), longest), dtype=torch.long)
        mask = torch.zeros((len(ids), longest), dtype=torch.long)
        for row, one in enumerate(ids):
            tokens[row, : len(one)] = torch.tensor(one)
            mask[row, : len(one)] = 1
        device = self.early.weight.device
        tokens, mask = tokens.to(device), mask.to(device)
        seen = self.bert(input_ids=tokens, attention_mask=mask, output_hidden_states=True)
        return _mean(seen.last_hidden_state, mask), _mean(seen.hidden_states[self.query_layers], mask)


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    weights = mask.unsqueeze(-1).float()
    return (states.float() * weights).sum(1) / weights.sum(1)
