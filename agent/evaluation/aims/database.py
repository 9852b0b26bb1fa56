"""What can be wanted of the shop's database. Rows are known by names; their ids have to be looked up."""

import random
from collections.abc import Callable

from agent.evaluation.aim import Aim, GoldStep, OutOfReach
from agent.evaluation.worlds.database import CITIES, NAMES, PRODUCTS, Database

_NEW_NAMES = ("Ines Duarte", "Jonas Lind", "Kira Novak", "Liam Walsh")


def draw(state: Database, rng: random.Random, count: int) -> list[Aim[Database]]:
    """Aims that do not get in each other's way: each has a customer and a product of its own."""
    names = rng.sample(NAMES, count)
    products = rng.sample(PRODUCTS, count)
    makers = rng.choices((_status, _item, _item, _city, _stock, _customer), k=count)
    return [make(state, (name, product), rng) for make, name, product in zip(makers, names, products, strict=True)]


Named = tuple[str, str]
"""The customer and the product that an aim is about."""


def _status(state: Database, named: Named, rng: random.Random) -> Aim[Database]:
    order_id = _oldest_order(state, named[0])
    status = rng.choice(("shipped", "cancelled"))

    def step(state: Database, taste: int) -> GoldStep:
        del taste
        return (
            _know_order(state, named[0], order_id)
            or _unlocked(state, order_id)
            or GoldStep("set_status", {"order_id": order_id, "status": status})
        )

    return Aim(
        text=f"Set the oldest order of {named[0]} to '{status}'.",
        done=lambda state: bool(state.one("SELECT id FROM orders WHERE id = ? AND status = ?", order_id, status)),
        step=step,
        hinder=_lock(order_id),
    )


def _item(state: Database, named: Named, rng: random.Random) -> Aim[Database]:
    name, product = named
    order_id, product_id = _oldest_order(state, name), _id(state, "products", product)
    stock = state.rows("SELECT stock FROM products WHERE id = ?", product_id)[0]["stock"]
    quantity = rng.choice((2, 3, stock + 4))
    item = {"order_id": order_id, "product_id": product_id, "quantity": quantity}

    def step(state: Database, taste: int) -> GoldStep:
        looks = [_know_order(state, name, order_id), _know(state, "find_product", product, product_id)]
        for look in reversed(looks) if taste else looks:
            if look:
                return look
        row = state.one("SELECT stock FROM products WHERE id = ?", product_id)
        if row is None:
            raise OutOfReach(product)
        if row["stock"] < quantity:
            return GoldStep("restock", {"product_id": product_id, "amount": 10}, mends=True)
        return _unlocked(state, order_id) or GoldStep("add_item", item)

    return Aim(
        text=f"Put {quantity} of '{product}' into the oldest order of {name}; restock by 10 where there are too few.",
        done=lambda state: bool(
            state.one(
                "SELECT 1 FROM items WHERE order_id = ? AND product_id = ? AND quantity = ?",
                order_id,
                product_id,
                quantity,
            )
        ),
        step=step,
        hinder=_lock(order_id),
    )


def _city(state: Database, named: Named, rng: random.Random) -> Aim[Database]:
    name = named[0]
    id_ = _id(state, "customers", name)
    now = state.rows("SELECT city FROM customers WHERE id = ?", id_)[0]["city"]
    city = rng.choice([each for each in CITIES if each != now])
    return Aim(
        text=f"{name} has moved to {city}.",
        done=lambda state: bool(state.one("SELECT id FROM customers WHERE id = ? AND city = ?", id_, city)),
        step=lambda state, taste: (
            _know(state, "find_customer", name, id_) or GoldStep("set_city", {"customer_id": id_, "city": city})
        ),
    )


def _stock(state: Database, named: Named, rng: random.Random) -> Aim[Database]:
    product = named[1]
    id_, amount = _id(state, "products", product), rng.randint(11, 40)
    wanted = state.rows("SELECT stock FROM products WHERE id = ?", id_)[0]["stock"] + amount
    return Aim(
        text=f"Restock '{product}' by {amount}.",
        done=lambda state: bool(state.one("SELECT id FROM products WHERE id = ? AND stock >= ?", id_, wanted)),
        step=lambda state, taste: (
            _know(state, "find_product", product, id_) or GoldStep("restock", {"product_id": id_, "amount": amount})
        ),
    )


def _customer(state: Database, named: Named, rng: random.Random) -> Aim[Database]:
    del state, named
    name, city = rng.choice(_NEW_NAMES), rng.choice(CITIES)
    email = f"{name.split()[0].lower()}@example.org"

    def step(state: Database, taste: int) -> GoldStep:
        del taste
        row = state.one("SELECT id FROM customers WHERE email = ?", email)
        if row is None:
            return GoldStep("add_customer", {"name": name, "email": email, "city": city})
        return _know(state, "find_customer", name, row["id"]) or GoldStep("add_order", {"customer_id": row["id"]})

    return Aim(
        text=f"Enter the customer {name} ({email}) of {city}, with a new order.",
        done=lambda state: bool(
            state.one(
                "SELECT 1 FROM orders JOIN customers ON customers.id = orders.customer_id WHERE customers.email = ?",
                email,
            )
        ),
        step=step,
    )


def _id(state: Database, table: str, name: str) -> int:
    return state.rows(f"SELECT id FROM {table} WHERE name = ?", name)[0]["id"]  # noqa: S608 - the table is ours


def _oldest_order(state: Database, name: str) -> int:
    return state.rows(
        "SELECT orders.id FROM orders JOIN customers ON customers.id = orders.customer_id "
        "WHERE customers.name = ? ORDER BY orders.rowid LIMIT 1",
        name,
    )[0]["id"]


def _know(state: Database, tool: str, name: str, id_: int) -> GoldStep | None:
    return None if id_ in state.seen else GoldStep(tool, {"name": name})


def _know_order(state: Database, name: str, order_id: int) -> GoldStep | None:
    if state.one("SELECT id FROM orders WHERE id = ?", order_id) is None:
        raise OutOfReach(f"order {order_id}")
    if order_id in state.seen:
        return None
    customer_id = _id(state, "customers", name)
    return _know(state, "find_customer", name, customer_id) or GoldStep("orders_of", {"customer_id": customer_id})


def _unlocked(state: Database, order_id: int) -> GoldStep | None:
    locked = state.one("SELECT id FROM orders WHERE id = ? AND locked", order_id)
    return GoldStep("unlock_order", {"order_id": order_id}, mends=True) if locked else None


def _lock(order_id: int) -> Callable[[Database], None]:
    def hinder(state: Database) -> None:
        state.connection.execute("UPDATE orders SET locked = 1 WHERE id = ?", (order_id,))

    return hinder
