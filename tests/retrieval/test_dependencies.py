from collections.abc import Sequence
from typing import Any

from retrieval.closure import closure, needs_of
from retrieval.dependencies import DECLARED, SAID, mine
from retrieval.hit import Hit
from retrieval.observed import Call, observed
from retrieval.tool import ToolSpec


def tool(
    name: str, *required: str, description: str = "", server: str = "git", output: dict[str, Any] | None = None
) -> ToolSpec:
    schema = {"type": "object", "properties": {one: {"type": "string"} for one in required}, "required": list(required)}
    return ToolSpec(server=server, name=name, description=description, input_schema=schema, output_schema=output)


def pairs(*tools: ToolSpec) -> set[tuple[str, str]]:
    return {(edge.producer, edge.consumer) for edge in mine(tools)}


def hits(*names: str) -> list[Hit]:
    return [Hit(id=f"git/{name}", kind="tool", score=1 - place / 10) for place, name in enumerate(names)]


def names(found: Sequence[Hit]) -> list[str]:
    return [hit.id.removeprefix("git/") for hit in found]


def test_a_tool_that_lists_a_thing_feeds_the_tool_that_needs_its_id() -> None:
    assert pairs(tool("list_issues"), tool("getIssue", "issueId")) == {("git/list_issues", "git/getIssue")}


def test_a_bare_id_is_that_of_what_the_name_says() -> None:
    assert pairs(tool("search_users"), tool("delete_user", "id")) == {("git/search_users", "git/delete_user")}


def test_what_an_output_schema_declares_is_surer_than_what_a_description_or_a_name_says() -> None:
    output = {"type": "object", "properties": {"items": {"type": "array", "items": {"properties": {"repo_id": {}}}}}}
    declared, said = tool("browse", output=output), tool("look", description="Returns the repo id and more.")
    needing = tool("star", "repo_id")
    assert {edge.producer: edge.weight for edge in mine([declared, said, needing])} == {
        "git/browse": DECLARED,
        "git/look": SAID,
    }


def test_an_id_inside_an_object_of_an_output_belongs_to_that_object() -> None:
    output = {"properties": {"issues": {"type": "array", "items": {"properties": {"id": {}, "title": {}}}}}}
    assert pairs(tool("browse", output=output), tool("close", "issue_id")) == {("git/browse", "git/close")}


def test_tools_of_other_servers_and_values_that_anybody_knows_make_no_edge() -> None:
    assert pairs(tool("list_issues", server="hub"), tool("get_issue", "issue_id")) == set()
    assert pairs(tool("list_issues"), tool("say", "text")) == set()


def test_what_is_required_may_be_said_property_by_property() -> None:
    properties = {"issue_id": {"type": "string", "required": True}, "user_id": {"type": "string"}}
    asking = ToolSpec(server="git", name="close", input_schema={"properties": properties})
    assert pairs(tool("list_issues"), tool("list_users"), asking) == {("git/list_issues", "git/close")}


def test_a_producer_of_what_the_best_hit_needs_takes_a_place_after_it() -> None:
    needs = needs_of(mine([tool("list_issues"), tool("close_issue", "issue_id")]))
    found = hits("close_issue", "pull", "push", "list_issues")
    assert names(closure(found, needs, 3)) == ["close_issue", "list_issues", "pull"]
    assert names(closure(found, needs, 3, budget=0)) == ["close_issue", "pull", "push"]


def test_a_producer_that_is_there_or_was_not_found_moves_nothing() -> None:
    needs = needs_of(mine([tool("list_issues"), tool("close_issue", "issue_id")]))
    there = hits("close_issue", "pull", "list_issues")
    assert closure(there, needs, 3) == there
    missing = hits("close_issue", "pull", "push")
    assert closure(missing, needs, 3) == missing


def test_a_value_of_an_earlier_result_that_is_a_later_argument_is_an_edge() -> None:
    run = [
        Call(tool="git/search", arguments={"query": "parser"}, result={"items": [{"full_name": "ada/parser"}]}),
        Call(tool="git/clone", arguments={"repo": "ada/parser", "depth": 1}, result="done"),
    ]
    (edge,) = observed([run])
    assert (edge.producer, edge.consumer, edge.value, edge.weight) == ("git/search", "git/clone", "repo", 0.5)


def test_more_runs_make_an_edge_surer_and_too_few_make_none() -> None:
    run = [Call(tool="a/x", result="token-17"), Call(tool="a/y", arguments={"token": "token-17"})]
    assert observed([run] * 3)[0].weight == 0.75
    assert observed([run], least=2) == []


def test_what_the_caller_knew_and_what_is_alike_by_chance_is_no_edge() -> None:
    echoed = [
        Call(tool="a/x", arguments={"city": "Helsinki"}, result={"city": "Helsinki"}),
        Call(tool="a/y", arguments={"place": "Helsinki"}),
    ]
    small = [Call(tool="a/x", result={"count": 3, "ok": True}), Call(tool="a/y", arguments={"k": 3, "all": True})]
    assert observed([echoed, small]) == []
