"""Addresses and labels."""


def parse_postcode(text: str) -> tuple[str, str]:
    """Postcode and town of a line such as "10115 Berlin"."""
    code, _, town = text.strip().partition(" ")
    return code, town


def label(name: str, street: str, place: str) -> str:
    """Three lines for the parcel."""
    code, town = parse_postcode(place)
    return f"{name}\n{street}\n{code} {town.upper()}"
