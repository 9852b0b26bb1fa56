"""`show_group`: a group with its tree and the credit of its tokens, ready to be shown."""

from collections.abc import Callable, Sequence
from statistics import fmean

from rl_trainer.credit.credit import Credit, Estimator, Floats
from rl_trainer.errors import TrainerError
from rl_trainer.inspecting.shown import ShownGroup, ShownNode, ShownRun, ShownTokens, ShownTurn
from rl_trainer.trajectory import Group, Trajectory, Turn
from rl_trainer.turn_tree import TurnTree, turn_tree

Texts = Callable[[Sequence[int]], tuple[str, ...]]
"""From ids to a text each; to nothing where there is no tokenizer."""

_PLACES = 5
_ONCE = "the task"


def no_texts(ids: Sequence[int]) -> tuple[str, ...]:
    """For groups whose tokenizer is not at hand."""
    del ids
    return ()


def show_group(group: Group, estimator: Estimator, texts: Texts = no_texts) -> ShownGroup:
    """The group as it is shown. Where credit cannot be worked out it says why, and all else is there."""
    tree = turn_tree(group)
    credit, why = _credit(group, estimator)
    runs = tuple(_run(each, place, (tree, credit), texts) for place, each in enumerate(group.trajectories))
    first = next((each.turns[0].prompt for each in group.trajectories if each.turns), ())
    return ShownGroup(
        task_id=group.task_id,
        kind=next((each.kind for each in group.trajectories if each.kind), ""),
        iteration=group.iteration,
        solved=group.solved,
        opening="".join(texts(first)),
        nodes=_nodes(group, tree),
        runs=runs,
        no_credit=why,
    )


def _credit(group: Group, estimator: Estimator) -> tuple[Credit | None, str]:
    try:
        return estimator(group), ""
    except TrainerError as error:
        return None, str(error)


def _run(run: Trajectory, place: int, known: tuple[TurnTree, Credit | None], texts: Texts) -> ShownRun:
    tree, credit = known
    turns = tuple(
        ShownTurn(
            said=_at(run.texts, number),
            action=turn.action,
            observation=_at(run.observations, number),
            purpose=turn.purpose.value,
            finish=turn.finish,
            malformed=turn.malformed,
            node=tree.paths[place][number],
            shared=tree.shared(place, number),
            version=turn.version,
            tokens=_tokens(turn, credit and (credit.advantages[place][number], credit.weights[place][number]), texts),
            score=turn.score,
            value=turn.value,
        )
        for number, turn in enumerate(run.turns)
    )
    return ShownRun(
        member=run.member,
        passed=run.passed,
        share=run.share,
        reward=run.reward,
        rewards=run.rewards,
        status=run.status,
        truncated=run.truncated,
        infra=run.infra,
        facts=run.facts,
        turns=turns,
    )


def _tokens(turn: Turn, credit: tuple[Floats, Floats] | None, texts: Texts) -> ShownTokens:
    shown = ShownTokens(
        ids=turn.completion,
        texts=texts(turn.completion),
        logprobs=_rounded(turn.logprobs),
        entropies=_rounded(turn.entropies),
    )
    if credit is None:
        return shown
    advantages, weights = ([float(value) for value in each] for each in credit)
    product = [advantage * weight for advantage, weight in zip(advantages, weights, strict=True)]
    return ShownTokens(
        ids=shown.ids,
        texts=shown.texts,
        logprobs=shown.logprobs,
        entropies=shown.entropies,
        advantages=_short(advantages),
        weights=_short(weights),
        credit=_short(product),
    )


def _nodes(group: Group, tree: TurnTree) -> tuple[ShownNode, ...]:
    rewards = group.rewards
    out: list[ShownNode] = []
    for place, node in enumerate(tree.nodes):
        turn, said = _turn_of(group, node.members[0], node.depth) if node.members and node.depth else (None, _ONCE)
        out.append(
            ShownNode(
                parent=node.parent,
                depth=node.depth,
                label=(turn.action if turn is not None else "") or said,
                malformed=turn is not None and turn.malformed,
                members=node.members,
                ends=tuple(each for each in node.members if _last(tree, each) == place),
                reward=fmean(rewards[each] for each in node.members) if node.members else 0.0,
            )
        )
    return tuple(out)


def _turn_of(group: Group, member: int, depth: int) -> tuple[Turn, str]:
    run = group.trajectories[member]
    return run.turns[depth - 1], _at(run.texts, depth - 1)


def _last(tree: TurnTree, member: int) -> int:
    path = tree.paths[member]
    return path[-1] if path else 0


def _at(texts: Sequence[str], place: int) -> str:
    return texts[place] if place < len(texts) else ""


def _short(values: Sequence[float]) -> tuple[float, ...]:
    """One value where all are equal: most ways of giving credit give a turn one."""
    rounded = _rounded(values)
    return rounded[:1] if len(set(rounded)) == 1 else rounded


def _rounded(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(float(value), _PLACES) for value in values)
