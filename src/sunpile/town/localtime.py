"""The town's civil time: Central European, with the summer time rule of the European Union."""

import random
from datetime import UTC, date, datetime, timedelta


def _last_sunday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def offset(unix_time: int) -> int:
    """Local time less UTC [s]; summer time from 01:00 UTC on March's last Sunday to October's."""
    moment = datetime.fromtimestamp(unix_time, UTC)
    begin, end = (
        datetime.combine(_last_sunday(moment.year, month), datetime.min.time(), UTC) + timedelta(hours=1)
        for month in (3, 10)
    )
    return 7200 if begin <= moment < end else 3600


def midnight(day: date) -> int:
    """First second of the local `day` [Unix s]."""
    utc_midnight = int(datetime.combine(day, datetime.min.time(), UTC).timestamp())
    return utc_midnight - offset(utc_midnight - 3600)


def draw(seed: int, *names: object) -> random.Random:
    """Random numbers of their own for each thing in the town: adding one thing changes no other."""
    return random.Random("/".join(("sunpile", str(seed), *map(str, names))))
