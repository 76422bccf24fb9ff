"""What is durable is answered, whatever happens to those who only listen."""

from typing import Any, cast

from sunpile.chargers.events import TransactionAnswer
from sunpile.wiring.ears import Ears, Transactional


class Said:
    """Stands for any event."""

    station = "SP-1"


async def test_a_listener_that_breaks_neither_stops_the_others_nor_the_answer() -> None:
    heard: list[Any] = []
    event = cast("Transactional", Said())

    def breaks(_event: Any) -> None:
        raise KeyError("a row nobody thought of")

    ears = Ears(hear=[breaks, heard.append])
    await ears.heard(event)
    assert heard == [event]


async def test_what_cannot_be_added_to_an_answer_is_left_out() -> None:
    event, answer = cast("Transactional", Said()), TransactionAnswer(None, "7")

    async def breaks(_event: Any, _answer: TransactionAnswer) -> TransactionAnswer:
        raise RuntimeError("the tariff is gone")

    async def cost(_event: Any, answer: TransactionAnswer) -> TransactionAnswer:
        return TransactionAnswer(None, answer.ocpp_transaction, 5)

    assert await Ears(on_transaction=[breaks, cost]).transaction(event, answer) == TransactionAnswer(None, "7", 5)
