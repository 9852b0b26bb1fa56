"""A server of which some tools break the protocol: the good ones must survive, the bad ones be set aside one by one.

GOOD and BAD are the names; the duplicate of `twin` is bad as well, and the entry whose name is a number has none.
"""

from rpc import serve, tool

GOOD = ["plain", "vendor", "boolean_property", "twin"]
BAD = ["empty_schema", "no_schema", "array_schema", "hint", "array_output"]

ENTRIES = [
    tool("plain", title="Plain", annotations={"readOnlyHint": True}),
    tool("vendor", _meta={"example.com/rank": 3}, **{"x-vendor": {"deep": [1, 2]}}),
    tool("boolean_property", inputSchema={"type": "object", "properties": {"anything": True}}),
    tool("twin", description="The first one."),
    tool("twin", description="The second one."),
    tool("empty_schema", inputSchema={}),
    {"name": "no_schema", "description": "It has no inputSchema."},
    tool("array_schema", inputSchema={"type": "array"}),
    tool("hint", annotations={"readOnlyHint": "yes"}),
    tool("array_output", outputSchema=[1, 2]),
    tool(7),
    "not even an object",
]

if __name__ == "__main__":
    serve("invalid-tools", tools=lambda cursor: {"tools": ENTRIES, "vendorPageField": True})
