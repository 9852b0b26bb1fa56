"""Records that are counted, added up or compared: ledgers, invoices, stocks, tables, price lists, measurements."""

from dataclasses import dataclass


@dataclass
class Item:
    """One record"""

    numbers: dict[str, float]  # column -> number: amount, price, stock
    texts: dict[str, str]  # column -> text: name, date, status, owner


@dataclass
class Memory:
    """The records that the question asks for, as they stand now"""

    items: dict[str, Item]  # by id or name, exactly as it is written
    totals: dict[str, float]  # what is counted or summed -> so far
    rules: list[str]  # how records are to be read: units, exceptions, corrections
