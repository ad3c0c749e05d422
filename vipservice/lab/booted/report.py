"""What the verbs cost, as a table."""

from vipservice.lab.results import Record, table

HEADER = [
    "done to the active",
    "longest gap, ms (median)",
    "worst",
    "pings lost (median)",
    "the address moves",
    "two owners",
]


def markdown(record: Record) -> str:
    """Where the figures come from, and the table."""
    rows = [
        [
            words,
            f"{1000 * seen['gap']:.1f}",
            f"{1000 * seen['worst']:.1f}",
            f"{seen['lost']:g}",
            "yes" if seen["moves"] else "no",
            f"{1000 * seen['several']:.1f} ms" if seen["several"] else "never",
        ]
        for words, seen in record.figures["verbs"].items()
    ]
    return f"{record.provenance} Runs of each: {record.figures['runs']}.\n\n{table(HEADER, rows)}"
