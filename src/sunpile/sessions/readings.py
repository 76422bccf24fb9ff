"""Register samples from what a station's message says."""

from collections.abc import Iterable
from dataclasses import replace

from sunpile.chargers.events import Sample
from sunpile.sessions.register import RegisterSample, taken_at

_KINDS = {"Transaction.Begin": "begin", "Transaction.End": "end", "Sample.Clock": "clock"}


def read_samples(
    now: int, samples: Iterable[Sample], kind: str, offline: bool
) -> tuple[tuple[RegisterSample, ...], frozenset[str]]:
    """Register samples in time order, and doubts about the pile's clock at `now` [Unix s].

    `kind` is for those that do not say.
    """
    found: list[RegisterSample] = []
    doubts = set[str]()
    for sample in samples:
        taken, doubt = taken_at(sample.at, now, offline)
        if doubt:
            doubts.add(doubt)
        if sample.register_wh is not None and sample.register_wh >= 0:
            own = "begin" if kind == "begin" else _KINDS.get(sample.context, kind)
            found.append(RegisterSample(sample.at, sample.register_wh, taken, now, own, sample.held))
    return tuple(sorted(found, key=lambda s: (s.taken_at, s.kind == "end", s.wh))), frozenset(doubts)


def mark_end(samples: tuple[RegisterSample, ...]) -> tuple[RegisterSample, ...]:
    """The same, the last of them as the transaction's last."""
    if not samples or samples[-1].kind == "end":
        return samples
    return (*samples[:-1], replace(samples[-1], kind="end"))
