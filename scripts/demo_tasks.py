"""What `make run` asks for in plain words, and what a model would fill in once it has read the tools it was shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from demo_sandbox import Sandbox

_SPENDERS = (
    "select customers.name, round(sum(orders.price), 2) as spent from orders "
    "join customers on customers.id = orders.customer_id group by customers.name order by spent desc"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A request, and by tool id the arguments that fit it. The tools are of one server, `needs`.

    There is no LLM here to write arguments: they are given for every tool that can do the task.
    """

    words: str
    needs: str
    arguments: Mapping[str, Mapping[str, Any]]


def tasks(sandbox: Sandbox) -> list[Task]:
    """More than are needed, the better ones first: a machine may lack Git or Node."""
    repository = str(sandbox.repository)
    return [
        Task(
            words="what time is it in Tokyo when it is 16:30 in New York",
            needs="time",
            arguments={
                "time/convert_time": {
                    "source_timezone": "America/New_York",
                    "time": "16:30",
                    "target_timezone": "Asia/Tokyo",
                }
            },
        ),
        Task(
            words="query the shop database for the customers who spent the most",
            needs="shop",
            arguments={"shop/read_query": {"query": _SPENDERS}},
        ),
        Task(
            words="show me what changed in the repository but is not committed yet",
            needs="git",
            arguments={
                "git/git_diff_unstaged": {"repo_path": repository},
                "git/git_status": {"repo_path": repository},
                "git/git_diff": {"repo_path": repository, "target": "HEAD"},
            },
        ),
        Task(
            words="how hot is 220 degrees Celsius in Fahrenheit",
            needs="units",
            arguments={
                "units/convert_temperature": {"value": 220, "from_unit": "celsius", "to_unit": "fahrenheit"},
            },
        ),
        Task(
            words="work out (1200 + 450 + 800 + 95) / 4",
            needs="calculator",
            arguments={"calculator/calculate": {"expression": "(1200 + 450 + 800 + 95) / 4"}},
        ),
    ]
