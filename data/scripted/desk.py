"""The service desk's tools, over a SQLite file of customers and orders."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path
from typing import Any

from .transcript import Outcome, Tool, ToolError

FIRST = ("Ada", "Bela", "Carl", "Dina", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jana", "Kai", "Lea")
LAST = ("Adler", "Bauer", "Conti", "Dahl", "Ek", "Frank", "Graf", "Holm", "Ivens", "Jung")
TOWNS = (("10115", "Berlin"), ("20095", "Hamburg"), ("50667", "Cologne"), ("80331", "Munich"), ("01067", "Dresden"))
PRODUCTS = ("tea pot", "kettle", "mug", "tray", "toaster", "lamp", "clock", "vase", "bowl", "scale")
STATUSES = ("pending", "pending", "processed", "delivered", "delivered")
SCHEMA = """
create table users (user_id text primary key, first_name text, last_name text, email text, zip text, town text,
                    payment_method text);
create table orders (order_id text primary key, user_id text, status text, placed text, tracking text);
create table items (item_id text primary key, order_id text, product_id text, name text, price integer, state text);
create table products (product_id text primary key, name text, price integer, in_stock integer);
"""


class Desk:
    """The database, filled with invented customers, and the tools that read and change it."""

    def __init__(self, folder: Path, seed: str) -> None:
        self.path = folder / "desk.sqlite"
        self.chance = random.Random(seed)
        with sqlite3.connect(self.path) as database:
            database.executescript(SCHEMA)
            self._fill(database)

    def _fill(self, database: sqlite3.Connection) -> None:
        chance, number = self.chance, 1000
        products = [(f"p{7000 + i}", name, chance.randrange(9, 90) * 100, i % 4) for i, name in enumerate(PRODUCTS)]
        database.executemany("insert into products values (?, ?, ?, ?)", products)
        for first, last in chance.sample([(first, last) for first in FIRST for last in LAST], 40):
            user = f"{first.lower()}_{last.lower()}_{chance.randrange(1000, 9999)}"
            code, town = chance.choice(TOWNS)
            method = f"{chance.choice(('card', 'account', 'voucher'))}_{chance.randrange(10**6, 10**7)}"
            email = f"{first}.{last}@example.com".lower()
            database.execute(
                "insert into users values (?, ?, ?, ?, ?, ?, ?)", (user, first, last, email, code, town, method)
            )
            for _ in range(chance.choice((1, 2, 2, 3, 4))):
                number += chance.randrange(1, 90)
                order, day = f"W{number}", f"2026-02-{chance.randrange(1, 28):02}"
                tracking = f"T{chance.randrange(10**8, 10**9)}"
                database.execute(
                    "insert into orders values (?, ?, ?, ?, ?)", (order, user, chance.choice(STATUSES), day, tracking)
                )
                for index, (product, name, price, _) in enumerate(chance.sample(products, chance.choice((1, 1, 2, 3)))):
                    item = f"{order[1:]}{index}"
                    database.execute(
                        "insert into items values (?, ?, ?, ?, ?, 'kept')", (item, order, product, name, price)
                    )

    def tools(self) -> dict[str, Tool]:
        """The tools by the names that the agent uses."""
        named = (
            self.find_user_by_email,
            self.find_user_by_name_and_zip,
            self.get_user,
            self.get_order,
            self.get_product,
            self.cancel_order,
            self.return_items,
            self.change_address,
            self.hand_over_to_person,
        )
        return {tool.__name__: tool for tool in named}

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Run one statement on a connection of its own, as calls may run side by side."""
        database = sqlite3.connect(self.path, timeout=10)
        database.row_factory = sqlite3.Row
        try:
            with database:
                return [dict(row) for row in database.execute(query, values)]
        finally:
            database.close()

    def _one(self, what: str, query: str, *values: Any) -> dict[str, Any]:
        rows = self.rows(query, *values)
        if not rows:
            raise ToolError(f"Error: {what} not found")
        return rows[0]

    def find_user_by_email(self, email: str) -> Outcome:
        """The user id behind an address."""
        return Outcome(self._one("user", "select user_id from users where email = ?", email.lower())["user_id"])

    def find_user_by_name_and_zip(self, first_name: str, last_name: str, zip: str) -> Outcome:  # noqa: A002
        """The user id behind a name and a postcode."""
        query = "select user_id from users where first_name = ? and last_name = ? and zip = ?"
        return Outcome(self._one("user", query, first_name, last_name, zip)["user_id"])

    def get_user(self, user_id: str) -> Outcome:
        """A customer and the numbers of their orders."""
        user = self._one("user", "select * from users where user_id = ?", user_id)
        orders = self.rows("select order_id from orders where user_id = ? order by placed desc, order_id", user_id)
        return Outcome(json.dumps({**user, "orders": [row["order_id"] for row in orders]}))

    def get_order(self, order_id: str) -> Outcome:
        """An order with its items."""
        order = self._one("order", "select * from orders where order_id = ?", order_id)
        query = "select item_id, product_id, name, price, state from items where order_id = ? order by item_id"
        return Outcome(json.dumps({**order, "items": self.rows(query, order_id)}))

    def get_product(self, product_id: str) -> Outcome:
        """A product with its price and stock."""
        return Outcome(json.dumps(self._one("product", "select * from products where product_id = ?", product_id)))

    def cancel_order(self, order_id: str, reason: str) -> Outcome:
        """Cancel an order that is still pending."""
        query = "update orders set status = ? where order_id = ? and status = 'pending' returning *"
        rows = self.rows(query, f"cancelled ({reason})", order_id)
        if not rows:
            raise ToolError("Error: only pending orders can be cancelled")
        return Outcome(json.dumps(rows[0]))

    def return_items(self, order_id: str, item_ids: list[str], payment_method: str) -> Outcome:
        """Take back items of a delivered order."""
        order = self._one("order", "select status from orders where order_id = ?", order_id)
        if order["status"] != "delivered":
            raise ToolError("Error: only delivered orders can be returned")
        marks = ", ".join("?" for _ in item_ids)
        query = (
            f"update items set state = 'returned' where order_id = ? and item_id in ({marks}) returning item_id, price"
        )
        rows = self.rows(query, order_id, *item_ids)
        refund = sum(row["price"] for row in rows)
        return Outcome(json.dumps({"order_id": order_id, "refund": refund, "to": payment_method, "items": rows}))

    def change_address(self, user_id: str, zip: str, town: str) -> Outcome:  # noqa: A002
        """Move a customer."""
        query = "update users set zip = ?, town = ? where user_id = ? returning *"
        return Outcome(json.dumps(self._one("user", query, zip, town, user_id)))

    def hand_over_to_person(self, summary: str) -> Outcome:
        """Give up and pass the case on."""
        return Outcome(f"Passed on: {summary}")
