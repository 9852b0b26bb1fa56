"""Makes tools.jsonl.gz, queries.jsonl.gz and catalogue_servers.jsonl.gz from the full sets. See README.md.

    python tests/data/make_samples.py FOLDER_OF_THE_FULL_SETS

The same sets give the same bytes.
"""

import gzip
import json
import random
import sys
from collections import defaultdict
from pathlib import Path


def names(text):
    return text.split()


HERE = Path(__file__).parent
# MIT and Apache-2.0 with a licence file; what has none is not copied.
LICENSED = {"toucan_servers", "mcpm_registry", "docker_registry", "livemcpbench"}
EVERYDAY = names("""
    livemcpbench.filesystem livemcpbench.weather livemcpbench.time livemcpbench.git livemcpbench.playwright
    livemcpbench.yahoo-finance livemcpbench.docker-mcp livemcpbench.youtube-transcript
    mcpm_registry.github mcpm_registry.gitlab mcpm_registry.git mcpm_registry.slack mcpm_registry.filesystem
    mcpm_registry.google-maps mcpm_registry.notion-mcp mcpm_registry.postgresql mcpm_registry.sqlite
    mcpm_registry.playwright mcpm_registry.time mcpm_registry.gmail mcpm_registry.calendar mcpm_registry.google-drive
    mcpm_registry.linear mcpm_registry.stripe mcpm_registry.spotify mcpm_registry.kubernetes mcpm_registry.docker
    mcpm_registry.fetch mcpm_registry.memory mcpm_registry.brave-search mcpm_registry.todoist mcpm_registry.redis
    mcpm_registry.mongodb docker_registry.stripe-remote docker_registry.gmail-mcp docker_registry.buildkite
    toucan_servers.smithery-ai-national-weather-service toucan_servers.smithery-ai-google-maps
    toucan_servers.smithery-ai-slack toucan_servers.smithery-ai-github toucan_servers.google-calendar-mcp
    toucan_servers.gldc-mcp-postgres toucan_servers.icraft2170-youtube-data-mcp-server
    toucan_servers.githejie-mcp-server-calculator toucan_servers.George5562-Jira-MCP-Server toucan_servers.exa
    toucan_servers.HitmanLy007-notion-api-mcp toucan_servers.marcelmarais-spotify-mcp-server
""")
TOOLS = 1000
CATALOGUE = names("""
    4everland-hosting-mcp ableton-live filesystem git github slack postgresql figma opik wcgw magic-mcp boikot-mcp
    sandbox-mcp metoro-mcp-server SQLite aks apify arxiv-mcp-server desktop-commander hubspot notion curl circleci asana
    exa smithery/notion smithery-ai/google-maps upstash/context7-mcp Not_found airtable-server
""")


def rows(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def save(path, records):
    text = "".join(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in records)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{path.name}: {len(records)} rows, {path.stat().st_size:,} bytes")


def sample_tools(tools, queries):
    by_server = defaultdict(list)
    for tool in tools:
        if tool["pool"] in LICENSED:
            by_server[tool["server"]].append(tool)
    needed = {name.split("/")[0] for query in queries for name in query["relevant"]}
    chosen = [server for server in by_server if server in needed or server in EVERYDAY]
    others = sorted(set(by_server) - set(chosen))
    random.Random(0).shuffle(others)
    count = sum(len(by_server[server]) for server in chosen)
    for server in others:
        if len(by_server[server]) <= 8 and count + len(by_server[server]) <= TOOLS:
            chosen.append(server)
            count += len(by_server[server])
    keep = ("tool_id", "server", "name", "description", "input_schema", "pool")
    return [{key: tool[key] for key in keep} for server in sorted(chosen) for tool in by_server[server]]


def sample_queries(queries, known):
    """Each query with those alternatives that are in the sample; one that loses a whole group is left out."""
    for query in queries:
        groups = [[name for name in group if name in known] for group in query["relevant_groups"]]
        if all(groups):
            relevant = [name for name in query["relevant"] if name in known]
            yield {**query, "relevant": relevant, "relevant_groups": groups}


def main(source):
    queries = [
        query for query in rows(source / "queries/mcp_union.queries.jsonl.gz") if query["source"] == "mcpm_registry"
    ]
    tools = sample_tools(rows(source / "mcp_tools.jsonl.gz"), queries)
    save(HERE / "tools.jsonl.gz", tools)
    save(HERE / "queries.jsonl.gz", list(sample_queries(queries, {tool["tool_id"] for tool in tools})))
    catalogue, seen = [], set()
    for row in rows(source / "catalogue_servers.jsonl.gz"):
        if row["server"] in CATALOGUE and (row["server"], row["source"]) not in seen:
            seen.add((row["server"], row["source"]))
            catalogue.append(row)
    save(HERE / "catalogue_servers.jsonl.gz", catalogue)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
