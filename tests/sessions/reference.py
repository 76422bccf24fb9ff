"""What a station did, told by itself, and what must be billed for it: a model that knows no messages.

A `Plan` is the truth of one session: times, meter, interruptions. `bill_of` reads the bill off it by subtraction. The
three dialects make of it the messages a station would send; what the network does to them is `deliver`.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

from sessions.talk import T0, clock, ended, meter, start16, started, stop16, updated
from sunpile.chargers.events import Booted, TransactionDetails

MAX_W = 11_000
PRICE = 312_345


@dataclass(frozen=True)
class Plan:
    """One session as it was."""

    name: str
    samples: tuple[tuple[int, int], ...]
    interrupted: int | None = None
    """Place in `samples` after which the power failed for a while."""

    @property
    def wh(self):
        return self.samples[-1][1] - self.samples[0][1]


def bill_of(plan):
    """(start, end, Wh, nano): the reference."""
    return plan.samples[0][0], plan.samples[-1][0], plan.wh, plan.wh * PRICE


def plans_of(shapes):
    """Sessions one after the other on one EVSE; the meter may start again in between, never within."""
    at, wh, found = T0, 400_000, []
    for number, (pause, reset, steps, power, broken) in enumerate(shapes):
        at += pause
        wh = 0 if reset else wh
        samples = [(at, wh)]
        for seconds, share in steps:
            at += seconds
            wh += MAX_W * seconds * share * power // 20 // 3_600_000_000
            samples.append((at, wh))
        found.append(Plan(f"t{number}", tuple(samples), broken % len(steps) if broken is not None else None))
    return found


class Dialect16:
    """OCPP 1.6: the number comes with the answer to the start, so what names it cannot come before."""

    def messages(self, plan, evse, station):
        first = start16(*plan.samples[0], evse=evse, station=station)

        def later(make):
            return lambda numbers: make(numbers[first.key]) if first.key in numbers else None

        yield first
        for sample in plan.samples[1:-1]:
            yield later(lambda number, one=sample: meter(*one, evse=evse, station=station, transaction=number))
        if plan.interrupted is not None:
            yield Booted(station, "Vendor", "Model", None, None, None)
        yield later(lambda number: stop16(number, *plan.samples[-1], station=station))


class Dialect201:
    """OCPP 2.0.1: numbered, with its own transaction id."""

    def messages(self, plan, evse, station):
        place = {"evse": evse, "station": station}
        name = f"{plan.name}-{evse}"
        yield started(name, 0, *plan.samples[0], **place)
        for seq, sample in enumerate(plan.samples[1:-1], 1):
            yield updated(name, seq, *sample, **place)
        if plan.interrupted is not None:
            yield Booted(station, "Vendor", "Model", None, None, "PowerUp")
        yield ended(name, len(plan.samples) - 1, *plan.samples[-1], **place)


class Dialect21(Dialect201):
    """OCPP 2.1: as 2.0.1, and after a loss of power the transaction is taken up again."""

    def messages(self, plan, evse, station):
        place = {"evse": evse, "station": station}
        name, seq = f"{plan.name}-{evse}", 0
        yield started(name, seq, *plan.samples[0], **place)
        for number, sample in enumerate(plan.samples[1:-1], 1):
            if number - 1 == plan.interrupted:
                yield Booted(station, "Vendor", "Model", None, None, "PowerUp")
                seq += 1
                again = updated(name, seq, *plan.samples[number - 1], **place)
                yield replace(again, details=TransactionDetails(trigger="TxResumed"))
            seq += 1
            yield updated(name, seq, *sample, **place)
        yield ended(name, seq + 1, *plan.samples[-1], **place)


def aligned(samples, evse, station):
    """The register at each quarter of an hour in between, as some stations also send it."""
    for (at, wh), (then, more) in pairwise(samples):
        border = (at // 900 + 1) * 900
        if border < then:
            yield clock(border, wh + (more - wh) * (border - at) // (then - at), evse, station)


def deliver(story, messages, random, sockets=2):
    """Each message one to five times, over some sockets at once, with gaps in which a socket is silent.

    A station repeats what was not answered, on whichever socket it has; so copies of one message come far apart.
    """
    lines = [[] for _ in range(sockets)]
    for message in messages:
        for _ in range(random.randint(1, 5)):
            random.choice(lines).append(message)
    for line in lines:
        random.shuffle(line)
    numbers, silent = {}, None
    while any(lines):
        if random.random() < 0.1:
            silent = random.randrange(sockets)  # offline: the other socket runs ahead
        filled = [line for line in lines if line]
        line = random.choice([line for line in filled if silent is None or line is not lines[silent]] or filled)
        message = line.pop()
        event = message(numbers) if callable(message) else message
        if event is None:
            line.insert(0, message)
            continue
        answer = story.tell(event).answer
        if hasattr(event, "key") and event.key.startswith("start/"):
            assert numbers.setdefault(event.key, answer.ocpp_transaction) == answer.ocpp_transaction
