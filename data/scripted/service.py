"""The service agent: finds out who writes, looks at their orders, and does what they want.

Drawn are the customer, the wish, what the customer gives away at once, whether the first address is wrong, whether
orders are looked at one by one or together, and whether the agent looks further than it has to.
"""

from __future__ import annotations

import json
from typing import Any

from .desk import TOWNS, Desk
from .transcript import Transcript

REASONS = ("no longer needed", "ordered by mistake")


def session(seed: str, start_us: int, desk: Desk) -> Transcript:
    """One conversation with one customer."""
    transcript = Transcript(seed, desk.tools(), start_us)
    customer = transcript.chance.choice(desk.rows("select * from users order by user_id"))
    orders = desk.rows("select * from orders where user_id = ? order by placed desc, order_id", customer["user_id"])
    wish = transcript.chance.choices((cancel, give_back, move, ask), (3, 3, 1, 3))[0]
    fitting = [order for order in orders if order["status"] == {cancel: "pending", give_back: "delivered"}.get(wish)]
    order = transcript.chance.choice(fitting if fitting and transcript.likely(0.8) else orders)
    user = identify(transcript, customer, wish.__name__, order["order_id"])
    if user:
        wish(transcript, user, order["order_id"])
    if transcript.likely(0.2):
        transcript.user("That is all, thank you.")
        transcript.answer("You are welcome.")
    return transcript


def identify(transcript: Transcript, customer: dict[str, Any], wish: str, order_id: str) -> dict[str, Any] | None:
    """Ask who it is and look the customer up; a mistyped address leads to name and postcode."""
    opening = {
        "cancel": f"Hello, I want to cancel order {order_id}.",
        "give_back": "Hi, I would like to return something I bought.",
        "move": "Hello, I have moved and need my address changed.",
        "ask": f"Where is my order {order_id}?" if transcript.likely(0.5) else "Where is my parcel?",
    }[wish]
    email = customer["email"]
    mistyped = transcript.likely(0.15)
    if mistyped:
        email = email.replace("@example.com", "@example.org")
    if transcript.likely(0.4):
        transcript.user(f"{opening} My address is {email}.")
    else:
        transcript.user(opening)
        transcript.answer("Gladly. Which e-mail address is your account under?")
        transcript.user(f"It is {email}.")
    found = transcript.call("find_user_by_email", email=email)
    if found.failed:
        transcript.answer("I cannot find that address. May I have your full name and postcode?")
        first, last, code = customer["first_name"], customer["last_name"], customer["zip"]
        transcript.user(f"{first} {last}, {code}.")
        found = transcript.call("find_user_by_name_and_zip", first_name=first, last_name=last, zip=code)
    if found.failed:
        transcript.call("hand_over_to_person", summary=f"cannot identify the customer ({wish})")
        transcript.answer("A colleague will take over.")
        return None
    return dict(json.loads(transcript.call("get_user", user_id=found.text).text))


def look_at_orders(transcript: Transcript, user: dict[str, Any]) -> list[dict[str, Any]]:
    """Every order of the customer: together, or one after the other until one feels like enough."""
    numbers = user["orders"]
    if len(numbers) > 1 and transcript.likely(0.35):
        outcomes = transcript.calls([("get_order", {"order_id": number}) for number in numbers])
    else:
        outcomes = []
        for number in numbers:
            outcomes.append(transcript.call("get_order", order_id=number))
            if transcript.likely(0.15):
                break
    return [json.loads(outcome.text) for outcome in outcomes]


def cancel(transcript: Transcript, user: dict[str, Any], order_id: str) -> None:
    """Look at the order, make sure, cancel it."""
    if transcript.likely(0.25):
        look_at_orders(transcript, user)
    else:
        transcript.call("get_order", order_id=order_id)
    transcript.answer(f"Shall I cancel {order_id}? Please tell me why.")
    reason = transcript.chance.choice(REASONS)
    transcript.user(f"Yes, it is {reason}.")
    done = transcript.call("cancel_order", order_id=order_id, reason=reason)
    if done.failed:
        transcript.call("hand_over_to_person", summary=f"{order_id} cannot be cancelled any more")
    transcript.answer("It is too late for that; a colleague will help." if done.failed else "It is cancelled.")


def give_back(transcript: Transcript, user: dict[str, Any], _order_id: str) -> None:
    """Find the order that holds the article, and take the article back."""
    orders = look_at_orders(transcript, user)
    delivered = [order for order in orders if order["status"] == "delivered"] or orders[:1]
    order = transcript.chance.choice(delivered)
    items = order["items"]
    chosen = items if transcript.likely(0.4) else items[:1]
    transcript.answer("Which article is it?")
    transcript.user(f"The {' and the '.join(item['name'] for item in chosen)} from {order['order_id']}.")
    if transcript.likely(0.3):
        transcript.call("get_product", product_id=chosen[0]["product_id"])
    wanted = [item["item_id"] for item in chosen]
    method = user["payment_method"]
    done = transcript.call("return_items", order_id=order["order_id"], item_ids=wanted, payment_method=method)
    transcript.answer("That order has not arrived yet." if done.failed else "The label is on its way to you.")


def move(transcript: Transcript, user: dict[str, Any], _order_id: str) -> None:
    """Change the address, then see which orders still go to the old one."""
    code, town = transcript.chance.choice(TOWNS)
    transcript.answer("What is your new postcode and town?")
    transcript.user(f"{code} {town}")
    transcript.call("change_address", user_id=user["user_id"], zip=code, town=town)
    if transcript.likely(0.6):
        look_at_orders(transcript, user)
    transcript.answer(f"Your parcels now go to {town}.")


def ask(transcript: Transcript, user: dict[str, Any], order_id: str) -> None:
    """Say where a parcel is, and perhaps whether something else is in stock."""
    if order_id in user["orders"] and transcript.likely(0.5):
        order = json.loads(transcript.call("get_order", order_id=order_id).text)
    else:
        order = look_at_orders(transcript, user)[0]
    transcript.answer(f"{order['order_id']} is {order['status']}; its tracking number is {order['tracking']}.")
    if transcript.likely(0.35):
        item = transcript.chance.choice(order["items"])
        transcript.user(f"Could I get another {item['name']}?")
        transcript.call("get_product", product_id=item["product_id"])
        transcript.answer("Yes, just order it on the site.")
