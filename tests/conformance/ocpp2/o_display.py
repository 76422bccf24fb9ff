"""Messages on a station's display (block O)."""

from typing import Any

from conformance.ocpp2.l_firmware import seconds
from conformance.ocpp2.states import Visit, charging, new_token, operate, refused, unix
from conformance.ocpp16.acts import done, rejected
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

SET = "schema of SetDisplayMessage"


async def shown(scene: Scene, status: str = "Accepted", **arguments: Any) -> Payload:
    """The operator shows a message; the server must send all of it; the station answers `status`. What was sent."""
    wish: dict[str, Any] = {"id": 7, "text": "Welcome", "language": "en"} | arguments
    sent, told = await operate(scene, "set-display-message", "SetDisplayMessage", {"status": status}, **wish)
    assert set(sent) == {"message"}
    message = dict(sent["message"])
    assert message["id"] == wish["id"]
    assert message["priority"] == wish.get("priority", "NormalCycle")
    content = {"format": wish.get("format", "UTF8"), "content": wish["text"], "language": wish["language"]}
    assert message["message"] == content
    assert message.get("state") == wish.get("state")
    assert message.get("transactionId") == wish.get("transaction")
    for field, name in (("startDateTime", "start_at"), ("endDateTime", "end_at")):
        assert (seconds(message[field]) if field in message else None) == wish.get(name)
    if status == "Accepted":
        done(told)
    else:
        rejected(told, status)
    return message


@case("TC_O_01_CSMS", "2.0.1", "2.1", basis="O01; " + SET)
async def set_message(scene: Scene) -> None:
    await scene.booted()
    for number, priority in enumerate(("AlwaysFront", "InFront", "NormalCycle"), 1):
        sent = await shown(scene, id=number, priority=priority)
        assert set(sent) == {"id", "priority", "message"}
    for form in ("ASCII", "HTML", "URI", "UTF8"):
        await shown(scene, format=form, text="https://sunpile.example/")
    # A priority OCPP does not know is not even sent.
    assert (await refused(scene.ask("set-display-message", id=1, text="x", priority="Loud"))).status == 400


@case("TC_O_12_CSMS", "2.0.1", "2.1", basis="O06; " + SET)
async def replace_message(scene: Scene) -> None:
    await scene.booted()
    first = await shown(scene)
    second = await shown(scene, text="Good bye", priority="InFront")
    # The same number replaces it.
    assert first["id"] == second["id"]


@case("TC_O_13_CSMS", "2.0.1", "2.1", basis="O01; " + SET)
async def message_from_a_time(scene: Scene) -> None:
    await scene.booted()
    await shown(scene, start_at=unix(60))


@case("TC_O_14_CSMS", "2.0.1", "2.1", basis="O01; " + SET)
async def message_until_a_time(scene: Scene) -> None:
    await scene.booted()
    await shown(scene, end_at=unix(60))
    await shown(scene, start_at=unix(30), end_at=unix(60))


async def not_supported(scene: Scene, status: str, **arguments: Any) -> None:
    """A station that cannot show it says so, and the operator sees it."""
    await scene.booted()
    await shown(scene, status, **arguments)


@case("TC_O_17_CSMS", "2.0.1", "2.1", basis="O01; " + SET)
async def priority_not_supported(scene: Scene) -> None:
    await not_supported(scene, "NotSupportedPriority", priority="AlwaysFront")


@case("TC_O_18_CSMS", "2.0.1", "2.1", basis="O01; " + SET)
async def state_not_supported(scene: Scene) -> None:
    await not_supported(scene, "NotSupportedState", state="Faulted")


@case("TC_O_19_CSMS", "2.0.1", "2.1", basis="O01; " + SET)
async def format_not_supported(scene: Scene) -> None:
    await not_supported(scene, "NotSupportedMessageFormat", format="HTML", text="<b>Hello</b>")


@case("TC_O_26_CSMS", "2.0.1", "2.1", basis="O01; " + SET)
async def message_rejected(scene: Scene) -> None:
    await not_supported(scene, "Rejected")


@case("TC_O_25_CSMS", "2.0.1", "2.1", basis="O01; " + SET)
async def message_in_a_state(scene: Scene) -> None:
    await scene.booted()
    for state in ("Charging", "Faulted", "Idle", "Unavailable"):
        await shown(scene, state=state)
    for state in ("Suspended", "Discharging"):
        if scene.version == "2.1":
            await shown(scene, state=state)
        else:
            # 2.0.1 has no such state: the station is not asked, and the operator is told why.
            told = await scene.ask("set-display-message", id=7, text="Welcome", state=state)
            assert told["state"] == "not in dialect", told


# -- for one transaction ----------------------------------------------------------------------------------------------


@case("TC_O_06_CSMS", "2.0.1", "2.1", basis="O02; " + SET)
async def message_for_a_transaction(scene: Scene) -> None:
    visit = await charging(scene)
    await shown(scene, transaction=visit.transaction)
    await visit.unplug()
    await visit.is_over("EVDisconnected")


@case("TC_O_10_CSMS", "2.0.1", "2.1", basis="O02; " + SET)
async def message_for_an_unknown_transaction(scene: Scene) -> None:
    await scene.booted()
    await shown(scene, "UnknownTransaction", transaction="no-such-transaction")


@case("TC_O_27_CSMS", "2.0.1", "2.1", basis="O02; " + SET)
async def message_for_a_transaction_from_a_time(scene: Scene) -> None:
    visit = await charging(scene)
    await shown(scene, transaction=visit.transaction, start_at=unix(60))


@case("TC_O_28_CSMS", "2.0.1", "2.1", basis="O02; " + SET)
async def message_for_a_transaction_until_a_time(scene: Scene) -> None:
    visit = await charging(scene)
    await shown(scene, transaction=visit.transaction, end_at=unix(60))


# -- reading back -----------------------------------------------------------------------------------------------------

GET = "O03, O04; schemas of GetDisplayMessages and NotifyDisplayMessages"


def message_row(number: int, **more: Any) -> Payload:
    """One message of a report."""
    content = {"format": "UTF8", "language": "en", "content": f"Message {number}"}
    return {"id": number, "priority": "NormalCycle", "message": content} | more


async def messages(scene: Scene, sent: Payload, *parts: list[Payload], **arguments: Any) -> None:
    """The operator asks which messages there are; the server must send exactly `sent`; he sees all parts."""
    told = scene.ask("get-display-messages", **arguments)
    request = await scene.station.expect("GetDisplayMessages")
    number = request.payload["requestId"]
    assert request.payload == {"requestId": number} | sent, request.payload
    await request.answer({"status": "Accepted"})
    for place, rows in enumerate(parts):
        payload = {"requestId": number, "messageInfo": rows, "tbc": place < len(parts) - 1}
        assert await scene.station.call("NotifyDisplayMessages", payload) == {}
    seen = await told
    done(seen)
    assert seen["report"] == [row for rows in parts for row in rows], seen


@case("TC_O_02_CSMS", "2.0.1", "2.1", basis=GET)
async def all_messages(scene: Scene) -> None:
    await scene.booted()
    await messages(scene, {}, [message_row(1), message_row(2)], [message_row(3, state="Idle")])


@case("TC_O_03_CSMS", "2.0.1", "2.1", basis=GET)
async def no_messages(scene: Scene) -> None:
    await scene.booted()
    sent, told = await operate(scene, "get-display-messages", "GetDisplayMessages", {"status": "Unknown"})
    assert set(sent) == {"requestId"}
    rejected(told, "Unknown")
    assert told["report"] == []


@case("TC_O_07_CSMS", "2.0.1", "2.1", basis=GET)
async def messages_by_id(scene: Scene) -> None:
    await scene.booted()
    await messages(scene, {"id": [2]}, [message_row(2)], ids=[2])
    await messages(scene, {"id": [2, 3]}, [message_row(2)], [message_row(3)], ids=[2, 3])


@case("TC_O_08_CSMS", "2.0.1", "2.1", basis=GET)
async def messages_by_priority(scene: Scene) -> None:
    await scene.booted()
    for priority in ("AlwaysFront", "InFront", "NormalCycle"):
        await messages(scene, {"priority": priority}, [message_row(1, priority=priority)], priority=priority)


@case("TC_O_09_CSMS", "2.0.1", "2.1", basis=GET)
async def messages_by_state(scene: Scene) -> None:
    await scene.booted()
    for state in ("Charging", "Faulted", "Idle", "Unavailable"):
        await messages(scene, {"state": state}, [message_row(1, state=state)], state=state)


@case("TC_O_11_CSMS", "2.0.1", "2.1", basis=GET)
async def messages_by_unknown_parameters(scene: Scene) -> None:
    await scene.booted()
    wish = {"ids": [999], "priority": "InFront", "state": "Faulted"}
    sent, told = await operate(scene, "get-display-messages", "GetDisplayMessages", {"status": "Unknown"}, **wish)
    assert sent == {"requestId": sent["requestId"], "id": [999], "priority": "InFront", "state": "Faulted"}
    rejected(told, "Unknown")
    # A priority OCPP does not know is not sent.
    told = await scene.ask("get-display-messages", priority="Loud")
    assert told["state"] == "not in dialect", told


# -- clearing ---------------------------------------------------------------------------------------------------------

CLEAR = "O05; schema of ClearDisplayMessage"


async def cleared(scene: Scene, number: int, status: str) -> dict[str, Any]:
    """The operator takes a message away; what he sees."""
    await scene.booted()
    sent, told = await operate(scene, "clear-display-message", "ClearDisplayMessage", {"status": status}, id=number)
    assert sent == {"id": number}
    return told


@case("TC_O_04_CSMS", "2.0.1", "2.1", basis=CLEAR)
async def clear_message(scene: Scene) -> None:
    done(await cleared(scene, 7, "Accepted"))


@case("TC_O_05_CSMS", "2.0.1", "2.1", basis=CLEAR)
async def clear_unknown_message(scene: Scene) -> None:
    rejected(await cleared(scene, 999, "Unknown"), "Unknown")


# -- languages --------------------------------------------------------------------------------------------------------


@case("TC_O_100_CSMS", "2.1", basis="O01 of 2.1; " + SET + " (LanguageNotSupported)")
async def unsupported_language(scene: Scene) -> None:
    await scene.booted()
    await shown(scene, "LanguageNotSupported", language="tlh", text="nuqneH")
    await shown(scene, language="en")


@case("TC_O_101_CSMS", "2.1", basis="O01, O02, C01 of 2.1; schemas of SetDisplayMessage (messageExtra) and Authorize")
async def language_of_the_driver(scene: Scene) -> None:
    await scene.booted()
    token = await new_token(scene, language="nl")
    visit = Visit(scene, token)
    answer = await visit.authorise()
    # The driver's language comes with the authorisation, and the message in it, with others beside it.
    assert answer["idTokenInfo"]["language1"] == "nl"
    await visit.charge()
    texts = {"en": "Welcome", "de": "Willkommen"}
    sent = await shown(scene, text="Welkom", language="nl", transaction=visit.transaction, translations=texts)
    assert sent["messageExtra"] == [
        {"format": "UTF8", "language": language, "content": text} for language, text in texts.items()
    ]
