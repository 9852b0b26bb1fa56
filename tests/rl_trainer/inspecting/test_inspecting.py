"""`train inspect`: groups as a page, in the terminal and as data."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from rl_trainer.cli.inspect import app
from rl_trainer.credit.registry import credit_of
from rl_trainer.credit.settings import Checkpoints, CreditSettings
from rl_trainer.errors import CheckpointDamaged, TrainingDataMissing
from rl_trainer.inspecting.group import show_group
from rl_trainer.inspecting.html import to_html
from rl_trainer.inspecting.opening import find_groups, open_groups, token_texts
from rl_trainer.inspecting.shown import Shown, ShownGroup
from rl_trainer.inspecting.terminal import plain
from rl_trainer.run_folder import RunFolder
from rl_trainer.trajectory import Group, Trajectory
from tests.rl_trainer.inspecting.conftest import EVIL


class Elements(HTMLParser):
    """What a browser's parser sees: the elements, and what stands in scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, str] = {}
        self.within = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

        self.within = str(dict(attrs).get("id") or tag) if tag in {"script", "style"} else ""

    def handle_endtag(self, tag: str) -> None:
        self.within = ""

    def handle_data(self, data: str) -> None:
        if self.within:
            self.raw[self.within] = self.raw.get(self.within, "") + data


def shown_of(run: Path, *arguments: str) -> dict[str, Any]:
    return json.loads(CliRunner().invoke(app, [str(run), *arguments, "--json"]).output)


def wide(values: list[float], length: int) -> list[float]:
    return values * length if len(values) == 1 else values


def test_the_credit_that_is_shown_is_the_recipe_s_on_that_very_group(run: Path, real: list[Group]) -> None:
    shown = shown_of(run)
    credit = credit_of(RunFolder(run).recipe().credit)(real[0])
    assert shown["credit"] == "tempo, level action, root True; lambda, level action"
    for place, member in enumerate(shown["groups"][0]["runs"]):
        for number, turn in enumerate(member["turns"]):
            count = len(turn["tokens"]["ids"])
            assert np.allclose(wide(turn["tokens"]["advantages"], count), credit.advantages[place][number], atol=1e-5)
            product = credit.advantages[place][number] * credit.weights[place][number]
            assert np.allclose(wide(turn["tokens"]["credit"], count), product, atol=1e-5)


def test_the_tree_says_how_many_runs_pass_through_each_action_and_what_they_got(run: Path, real: list[Group]) -> None:
    group = shown_of(run)["groups"][0]
    root, *rest = group["nodes"]
    assert (root["parent"], root["label"], root["members"]) == (-1, "the task", list(range(6)))
    assert root["reward"] == pytest.approx(sum(real[0].rewards) / 6)
    for node in rest:
        assert set(node["members"]) <= set(group["nodes"][node["parent"]]["members"])
    assert sorted(member for node in group["nodes"] for member in node["ends"]) == list(range(6))
    for member in group["runs"]:
        for turn in member["turns"]:
            assert group["nodes"][turn["node"]]["label"] == (turn["action"] or turn["said"])
            assert turn["shared"] == len(group["nodes"][turn["node"]]["members"])


def test_tokens_read_as_what_was_said(run: Path) -> None:
    for member in shown_of(run)["groups"][0]["runs"]:
        for turn in member["turns"]:
            assert "".join(turn["tokens"]["texts"]) == turn["said"]


class Bytes:
    """A renderer whose ids are bytes: as byte-level tokenizers see a letter that they have no id for."""

    stop = ()

    def text(self, ids: Sequence[int]) -> str:
        return bytes(ids).decode(errors="replace")

    def prompt(self, *_: Any) -> list[int]:
        return []

    def after(self, *_: Any) -> list[int]:
        return []

    def parse(self, *_: Any) -> Any:
        return None


@settings(max_examples=40)
@given(st.text(st.sampled_from("ab ñ中🙂"), max_size=8))
def test_letters_that_are_spread_over_several_ids_are_whole(text: str) -> None:
    shown = token_texts(Bytes())(tuple(text.encode()))
    assert "".join(shown) == text
    assert len(shown) == len(text.encode())


def test_bytes_that_are_no_letter_do_no_harm() -> None:
    assert token_texts(Bytes())((0xF0, 0x41, 0xFF)) == ("\ufffd", "A", "\ufffd")


def test_the_last_iteration_is_shown_unless_another_is_named(run: Path) -> None:
    assert len(shown_of(run)["groups"]) == 3
    assert shown_of(run)["title"] == "laptop, iteration 312"
    earlier = shown_of(run, "--iteration", "311")
    assert (earlier["title"], len(earlier["groups"])) == ("laptop, iteration 311", 1)
    with pytest.raises(TrainingDataMissing, match="311 to 312"):
        find_groups(run, 7)


def test_an_iteration_that_learnt_nothing_is_passed_over_unless_it_is_named(run: Path) -> None:
    RunFolder(run).write_groups("000313", [])
    assert find_groups(run).name == "000312"
    with pytest.raises(TrainingDataMissing, match="found nothing to learn from"):
        open_groups(find_groups(run, 313))


def test_one_task_can_be_chosen(run: Path, real: list[Group]) -> None:
    (only,) = shown_of(run, "--task", real[1].task_id)["groups"]
    assert only["task_id"] == real[1].task_id
    with pytest.raises(TrainingDataMissing, match="no group of task 'nothing'"):
        open_groups(find_groups(run), "nothing")


def test_runs_that_were_imitated_are_not_passed_off_as_reinforced(run: Path) -> None:
    shown = shown_of(run / "groups" / "rft-start-0.jsonl.gz")
    assert "imitated" in shown["notes"][0]


def test_a_file_without_a_run_shows_ids_and_plain_group_rewards(tmp_path: Path, real: list[Group]) -> None:
    file = tmp_path / "alone.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(group) + b"\n" for group in real))
    shown = shown_of(file)
    assert len(shown["notes"]) == 2
    turn = shown["groups"][0]["runs"][0]["turns"][0]
    assert turn["tokens"]["texts"] == []
    assert turn["tokens"]["credit"]
    assert turn["said"]


def test_where_credit_cannot_be_worked_out_the_group_is_shown_with_the_reason(real: list[Group]) -> None:
    settings = CreditSettings(estimator=Checkpoints(budgets=(2, 6)))
    shown = show_group(real[0], credit_of(settings))
    assert "score" in shown.no_credit
    assert shown.runs[0].turns[0].tokens.credit == ()


def test_a_run_whose_world_broke_is_shown_without_turns(real: list[Group]) -> None:
    lost = Trajectory(task_id="t", member=6, turns=(), infra="lost container", status="failed")
    group = msgspec.structs.replace(real[0], trajectories=(*real[0].trajectories, lost))
    shown = show_group(group, credit_of(CreditSettings()))
    assert shown.runs[6].infra == "lost container"
    assert shown.nodes[0].ends == (6,)


def test_a_folder_without_groups_and_a_damaged_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataMissing, match="has no groups"):
        find_groups(tmp_path)
    damaged = tmp_path / "000001.jsonl.gz"
    damaged.write_bytes(b"\x1f\x8b\x08\x00 no more")
    with pytest.raises(CheckpointDamaged, match=r"000001\.jsonl\.gz"):
        open_groups(find_groups(damaged))


def test_the_page_is_written_into_the_run(run: Path) -> None:
    done = CliRunner().invoke(app, [str(run)])
    assert done.output.strip() == str(run / "inspect-000312.html")
    page = Elements((run / "inspect-000312.html").read_text())
    assert json.loads(page.raw["data"]) == shown_of(run)


def test_nothing_in_a_page_comes_from_elsewhere_or_runs_but_its_own_script(run: Path) -> None:
    page = Elements(to_html(open_groups(find_groups(run))))
    assert [tag for tag, _ in page.elements].count("script") == 2
    assert "img" not in [tag for tag, _ in page.elements]
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href"):
            assert str(attributes.get(name) or "data:").startswith("data:")
    policy = next(str(each["content"]) for _, each in page.elements if each.get("http-equiv"))
    assert "default-src 'none'" in policy
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.raw[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_was_written_neither_ends_the_data_nor_gets_lost(text: str) -> None:
    group = ShownGroup(task_id=text, kind=text, iteration=0, solved=0.0, opening=text, nodes=(), runs=())
    page = Elements(to_html(Shown(title=text, credit=text, notes=(text,), groups=(group,))))
    assert json.loads(page.raw["data"])["groups"][0]["task_id"] == text
    assert [tag for tag, _ in page.elements].count("script") == 2


def test_in_a_terminal_a_run_is_printed_turn_by_turn_and_obeyed_in_nothing(run: Path, real: list[Group]) -> None:
    said = CliRunner().invoke(app, [str(run), "--text", "--member", "1", "--task", real[0].task_id]).output
    turns = real[0].trajectories[1].turns
    assert len(re.findall(r"^turn \d+ · act", said, re.MULTILINE)) == len(turns)
    assert "credit " in said
    hostile = CliRunner().invoke(app, [str(run), "--text", "--task", f"evil {EVIL}"]).output
    assert "\x1b" not in hostile
    assert "\\x1b[31m" in hostile
    with pytest.raises(TrainingDataMissing, match="runs 0 to 5, not 9"):
        CliRunner().invoke(app, [str(run), "--text", "--member", "9"], catch_exceptions=False)


def test_plain_text_keeps_lines_and_letters_of_all_scripts() -> None:
    assert plain("a\tb\nñ 中 🙂") == "a    b\nñ 中 🙂"
    assert plain("\x1b]0;x\x07\x9b\u202e") == "\\x1b]0;x\\x07\\x9b\\u202e"
