"""What readers pass over, counted by reason: nothing is left out without a word."""

from collections import Counter
from collections.abc import Mapping

_UNITS = ("files", "rows", "fields", "values")
MOST_REASONS = 20  # our choice: of a unit, that are kept apart


class Passed:
    """Counts by unit (`files`, `rows`, `fields`, `values`) and reason."""

    def __init__(self, *counts: Mapping[str, Mapping[str, int]]) -> None:
        self._counts: dict[str, Counter[str]] = {unit: Counter() for unit in _UNITS}
        for found in counts:
            self.update(found)

    def add(self, unit: str, reason: str, count: int = 1) -> None:
        """Counts what was passed over; reasons beyond `MOST_REASONS` are put together."""
        known = self._counts[unit]
        if count:
            known[reason if reason in known or len(known) < MOST_REASONS else "others"] += count

    def update(self, counts: Mapping[str, Mapping[str, int]]) -> "Passed":
        """Adds the counts of another reader; returns itself."""
        for unit, reasons in counts.items():
            for reason, count in reasons.items():
                self.add(unit, reason, count)
        return self

    def document(self) -> dict[str, dict[str, int]]:
        """The counts as `--json` and a manifest show them: units without any are left out."""
        return {u: dict(sorted(found.items())) for u, found in self._counts.items() if found}


def passed_said(counts: Mapping[str, Mapping[str, int]]) -> str | None:
    """`passed over: 1 file (.png 1), 3 fields (...)`; None where nothing was."""
    parts = []
    for unit, reasons in counts.items():
        total = sum(reasons.values())
        named = unit if total != 1 else unit[:-1]
        why = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
        parts.append(f"{total:,} {named} ({why})")
    return f"passed over: {', '.join(parts)}" if parts else None
