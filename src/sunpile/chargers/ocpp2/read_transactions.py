"""TransactionEvent of OCPP 2.x."""

from typing import Any

from sunpile.chargers.dialect import Context, Payload, Reader, Request, body_hash
from sunpile.chargers.events import (
    Sample,
    TransactionDetails,
    TransactionEnded,
    TransactionLimit,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.ocpp2.read_sessions import samples_of
from sunpile.chargers.ocpp2.reading import NO_EVSE, additional, evse_id, id_token, time_of, wrong
from sunpile.chargers.values import NANO_PLACES, is_visible, scaled_number


def _amount(number: float | None, power: int, field: str) -> int | None:
    if number is None:
        return None
    try:
        return scaled_number(number, power)
    except ValueError as fault:
        raise wrong(f"{field}: {fault}") from None


def _limit(limit: Payload | None) -> TransactionLimit | None:
    if limit is None:
        return None
    return TransactionLimit(
        cost_nano=_amount(limit.get("maxCost"), NANO_PLACES, "maxCost"),
        energy_wh=_amount(limit.get("maxEnergy"), 0, "maxEnergy"),
        time_s=limit.get("maxTime"),
        soc_percent=limit.get("maxSoC"),
    )


def _cost(details: Payload | None) -> int | None:
    if details is None:
        return None
    total = details["totalCost"]["total"]
    return _amount(total.get("inclTax", total.get("exclTax")), NANO_PLACES, "totalCost")


def _details(payload: Payload) -> TransactionDetails:
    info, token, cost = payload["transactionInfo"], payload.get("idToken"), payload.get("costDetails")
    return TransactionDetails(
        trigger=payload["triggerReason"],
        charging_state=info.get("chargingState"),
        remote_start_id=info.get("remoteStartId"),
        reservation=payload.get("reservationId"),
        connector=payload.get("evse", {}).get("connectorId"),
        token_kind="" if token is None else token["type"],
        additional=additional(token),
        phases_used=payload.get("numberOfPhasesUsed"),
        cable_a=payload.get("cableMaxCurrent"),
        charging_s=info.get("timeSpentCharging"),
        tariff=info.get("tariffId"),
        operation_mode=info.get("operationMode"),
        limit=_limit(info.get("transactionLimit")),
        cost_nano=_cost(cost),
        cost=cost,
        evse_sleep=payload.get("evseSleep"),
        preconditioning=payload.get("preconditioningStatus"),
    )


def _begin_sample(samples: tuple[Sample, ...], at: int, hold: str | None) -> Sample:
    """The sample of the start: the one that says so, else the first with a register, else none."""
    begin = [sample for sample in samples if sample.context == "Transaction.Begin"]
    registers = [sample for sample in begin or samples if sample.register_wh is not None]
    return next(iter(registers), Sample(at, None, context="Transaction.Begin", held=hold))


def _transaction(payload: Payload, context: Context) -> Request:
    info, at = payload["transactionInfo"], time_of(payload["timestamp"])
    transaction, seq_no = str(info["transactionId"]), int(payload["seqNo"])
    if not is_visible(transaction) or not transaction:
        raise wrong("transactionId: only printable ASCII is allowed")
    if seq_no < 0:
        raise wrong("seqNo: negative")
    evse, hold = payload.get("evse"), context.held(at)
    common: dict[str, Any] = {
        "station": context.station,
        "evse": evse_id(evse["id"]) if evse else context.evse_of.get(transaction, NO_EVSE),
        "key": f"{transaction}/{seq_no}",
        "body_hash": body_hash(payload),
        "ocpp_transaction": transaction,
        "id_token": id_token(payload.get("idToken")),
        "at": at,
        "samples": samples_of(payload.get("meterValue", []), context),
        "offline": payload.get("offline", False),
        "seq_no": seq_no,
        "held": hold,
        "details": _details(payload),
    }
    match payload["eventType"]:
        case "Started":
            return TransactionStarted(
                **common,
                remote_start_id=info.get("remoteStartId"),
                sample=_begin_sample(common["samples"], at, hold),
            )
        case "Updated":
            return TransactionUpdated(**common)
        case _:
            return TransactionEnded(**common, reason=info.get("stoppedReason", "Local"))


READERS: dict[str, Reader] = {"TransactionEvent": _transaction}
