"""A shop's database: real SQLite, in memory or in a file. Ids tell nothing; a look-up tells them."""

import random
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from agent.evaluation.world import Refused, World, dice, tools_of

NAMES = ("Ada Brook", "Ben Okafor", "Carla Weiss", "Dev Patel", "Elin Berg", "Farid Haddad", "Gwen Price", "Hana Sato")
PRODUCTS = (
    "desk lamp",
    "office chair",
    "whiteboard",
    "paper shredder",
    "coffee machine",
    "monitor arm",
    "file cabinet",
)
STATUSES = ("new", "paid", "shipped", "cancelled")
CITIES = ("Aarhus", "Bergen", "Cork", "Dresden", "Eger")
_ROWS = 20

_SCHEMA = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, city TEXT NOT NULL);
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, stock INTEGER NOT NULL);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, status TEXT NOT NULL, locked INTEGER NOT NULL
);
CREATE TABLE items (order_id INTEGER NOT NULL, product_id INTEGER NOT NULL, quantity INTEGER NOT NULL);
"""


@dataclass(slots=True)
class Database:
    """A connection, and the ids that some result has told. Statements commit by themselves."""

    connection: sqlite3.Connection
    seen: set[int] = field(default_factory=set[int])

    def copy(self) -> "Database":
        twin = connect(":memory:")
        twin.deserialize(self.connection.serialize())
        return Database(twin, set(self.seen))

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Each row as a dict."""
        cursor = self.connection.execute(statement, values)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def one(self, statement: str, *values: Any) -> dict[str, Any] | None:
        return next(iter(self.rows(statement, *values)), None)

    def values(self, argument: str) -> list[Any]:
        table = {"customer_id": "customers", "product_id": "products", "order_id": "orders"}.get(argument)
        if table is not None:
            return [row["id"] for row in self.rows(f"SELECT id FROM {table} ORDER BY id") if row["id"] in self.seen]  # noqa: S608
        lists: dict[str, list[Any]] = {"name": [*NAMES, *PRODUCTS], "city": list(CITIES), "amount": [1, 5, 10]}
        return lists.get(argument, [])


def connect(path: str) -> sqlite3.Connection:
    """A connection that commits every statement, and may move between threads as the agent's does."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def database_world(seed: int, path: str = ":memory:") -> "World[Database]":
    """Eight customers, seven products and ten orders; a file that has tables already is used as it is."""
    state = Database(connect(path))
    if not state.rows("SELECT name FROM sqlite_master"):
        _fill(state.connection, dice("database", seed))
    return World("database", TOOLS, state)


def _fill(connection: sqlite3.Connection, rng: random.Random) -> None:
    connection.executescript(_SCHEMA)
    ids = rng.sample(range(1000, 9999), len(NAMES) + len(PRODUCTS) + 10)
    for name in NAMES:
        email = f"{name.lower().replace(' ', '.')}@example.org"
        connection.execute("INSERT INTO customers VALUES (?, ?, ?, ?)", (ids.pop(), name, email, rng.choice(CITIES)))
    for product in PRODUCTS:
        connection.execute("INSERT INTO products VALUES (?, ?, ?)", (ids.pop(), product, rng.randint(6, 30)))
    customers = [id_ for (id_,) in connection.execute("SELECT id FROM customers ORDER BY name").fetchall()]
    for place in range(10):
        owner = customers[place % len(customers)]
        connection.execute("INSERT INTO orders VALUES (?, ?, ?, 0)", (ids.pop(), owner, rng.choice(STATUSES[:2])))


def _found(state: Database, table: str, id_: int) -> dict[str, Any]:
    row = state.one(f"SELECT * FROM {table} WHERE id = ?", id_)  # noqa: S608 - the table is never the model's word
    if row is None:
        raise Refused(f"{table} has no row {id_}; look it up")
    return row


def _unlocked(state: Database, order_id: int) -> dict[str, Any]:
    order = _found(state, "orders", order_id)
    if order["locked"]:
        raise Refused(f"order {order_id} is locked; unlock it first")
    return order


def _tell(state: Database, rows: list[dict[str, Any]]) -> dict[str, Any]:
    state.seen |= {row[name] for row in rows for name in row if name == "id" or name.endswith("_id")}
    return {"rows": rows}


def _list_tables(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    del given
    return {"tables": [row["name"] for row in state.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]}


def _describe_table(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    row = state.one("SELECT sql FROM sqlite_master WHERE name = ?", given["table"])
    if row is None:
        raise Refused(f"there is no table {given['table']!r}")
    return {"sql": row["sql"]}


def _query(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    state.connection.execute("PRAGMA query_only = ON")
    try:
        return _tell(state, state.rows(given["sql"])[:_ROWS])
    except sqlite3.Error as error:
        raise Refused(f"SQLite says: {error}") from error
    finally:
        state.connection.execute("PRAGMA query_only = OFF")


def _find_customer(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    return _tell(state, state.rows("SELECT id, name, email, city FROM customers WHERE name = ?", given["name"]))


def _find_product(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    return _tell(state, state.rows("SELECT id, name, stock FROM products WHERE name = ?", given["name"]))


def _orders_of(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    _found(state, "customers", given["customer_id"])
    return _tell(
        state, state.rows("SELECT id, status FROM orders WHERE customer_id = ? ORDER BY rowid", given["customer_id"])
    )


def _items_of(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    _found(state, "orders", given["order_id"])
    return _tell(state, state.rows("SELECT product_id, quantity FROM items WHERE order_id = ?", given["order_id"]))


def _add_customer(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    if state.one("SELECT id FROM customers WHERE email = ?", given["email"]):
        raise Refused(f"there is a customer with the address {given['email']} already")
    return _inserted(state, "customers", [given["name"], given["email"], given["city"]])


def _add_order(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    _found(state, "customers", given["customer_id"])
    return _inserted(state, "orders", [given["customer_id"], "new", 0])


def _inserted(state: Database, table: str, values: list[Any]) -> dict[str, Any]:
    marks = ", ".join("?" for _ in values)
    new = state.rows(f"SELECT max(id) + 7 AS id FROM {table}")[0]["id"]  # noqa: S608
    state.connection.execute(f"INSERT INTO {table} VALUES (?, {marks})", (new, *values))  # noqa: S608
    state.seen.add(new)
    return {"id": new}


def _add_item(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    order_id, product_id, quantity = given["order_id"], given["product_id"], given["quantity"]
    _unlocked(state, order_id)
    product = _found(state, "products", product_id)
    if product["stock"] < quantity:
        raise Refused(f"product {product_id} has only {product['stock']} in stock; restock it first")
    # One statement after the other, in one transaction: the stock and the item change together or not at all.
    with_item = f"INSERT INTO items VALUES ({order_id}, {product_id}, {quantity})"  # noqa: S608 - whole numbers
    with_less = f"UPDATE products SET stock = stock - {quantity} WHERE id = {product_id}"  # noqa: S608
    state.connection.executescript(f"BEGIN; {with_item}; {with_less}; COMMIT;")
    return {"order_id": order_id, "product_id": product_id, "quantity": quantity}


def _restock(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    product = _found(state, "products", given["product_id"])
    state.connection.execute(
        "UPDATE products SET stock = stock + ? WHERE id = ?", (given["amount"], given["product_id"])
    )
    return {"id": given["product_id"], "stock": product["stock"] + given["amount"]}


def _set_status(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    _unlocked(state, given["order_id"])
    state.connection.execute("UPDATE orders SET status = ? WHERE id = ?", (given["status"], given["order_id"]))
    return {"id": given["order_id"], "status": given["status"]}


def _unlock(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    _found(state, "orders", given["order_id"])
    state.connection.execute("UPDATE orders SET locked = 0 WHERE id = ?", (given["order_id"],))
    return {"id": given["order_id"], "locked": False}


def _move_customer(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    _found(state, "customers", given["customer_id"])
    state.connection.execute("UPDATE customers SET city = ? WHERE id = ?", (given["city"], given["customer_id"]))
    return {"id": given["customer_id"], "city": given["city"]}


def _delete_order(state: Database, given: dict[str, Any]) -> dict[str, Any]:
    _unlocked(state, given["order_id"])
    state.connection.execute("DELETE FROM items WHERE order_id = ?", (given["order_id"],))
    state.connection.execute("DELETE FROM orders WHERE id = ?", (given["order_id"],))
    return {"deleted": given["order_id"]}


_CUSTOMER = {"customer_id": "integer"}
_ORDER = {"order_id": "integer"}
_COUNT = {"type": "integer", "minimum": 1}
TOOLS = tools_of(
    "database",
    ("list_tables", "reads", "Lists the tables.", {}, _list_tables),
    ("describe_table", "reads", "Gives the SQL that made a table.", {"table": "string"}, _describe_table),
    ("query", "reads", "Runs a SELECT and gives up to 20 rows.", {"sql": "string"}, _query),
    ("find_customer", "reads", "Finds a customer by the full name.", {"name": "string"}, _find_customer),
    ("find_product", "reads", "Finds a product by its name.", {"name": "string"}, _find_product),
    ("orders_of", "reads", "Lists a customer's orders, the oldest first.", _CUSTOMER, _orders_of),
    ("items_of", "reads", "Lists what an order has in it.", _ORDER, _items_of),
    (
        "add_customer",
        "adds",
        "Inserts a customer.",
        {"name": "string", "email": "string", "city": "string"},
        _add_customer,
    ),
    ("add_order", "adds", "Inserts a new, empty order of a customer.", _CUSTOMER, _add_order),
    (
        "add_item",
        "adds",
        "Puts a product into an order and takes it out of stock.",
        _ORDER | {"product_id": "integer", "quantity": _COUNT},
        _add_item,
    ),
    ("restock", "adds", "Adds to a product's stock.", {"product_id": "integer", "amount": _COUNT}, _restock),
    (
        "set_status",
        "sets",
        "Sets the status of an order.",
        _ORDER | {"status": {"type": "string", "enum": list(STATUSES)}},
        _set_status,
    ),
    ("unlock_order", "sets", "Takes the lock off an order.", _ORDER, _unlock),
    ("set_city", "sets", "Sets the city where a customer lives.", _CUSTOMER | {"city": "string"}, _move_customer),
    ("delete_order", "destroys", "Deletes an order and all that is in it.", _ORDER, _delete_order),
)
