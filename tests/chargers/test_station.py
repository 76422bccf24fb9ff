"""What is known of a station now."""

from sunpile.basics.ids import EvseId, IdToken, StationId
from sunpile.basics.units import Wh
from sunpile.chargers.events import (
    MeterRead,
    Sample,
    StatusChanged,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.station import (
    EVSES_MAX,
    OPEN_TRANSACTIONS_MAX,
    StationState,
    connected,
    disconnected,
    observe,
)

P1 = StationId("P1")
NOW = 1_700_000_000


def started(transaction: str | None, evse: int = 1) -> TransactionStarted:
    sample = Sample(NOW, Wh(5))
    return TransactionStarted(
        P1, EvseId(evse), "k", b"", transaction, IdToken("t"), None, NOW, sample, offline=False, seq_no=0
    )


def ended(transaction: str, evse: int | None = None) -> TransactionEnded:
    place = None if evse is None else EvseId(evse)
    return TransactionEnded(P1, place, "k", b"", transaction, None, NOW, (), "Local", offline=False, seq_no=1)


def test_a_snapshot_does_not_change_under_its_reader() -> None:
    before = observe(connected(StationState(P1), "1.6", NOW), StatusChanged(P1, EvseId(1), "Available", None, NOW), NOW)
    after = observe(before, StatusChanged(P1, EvseId(1), "Charging", None, NOW + 1), NOW + 1)
    assert before.evses[EvseId(1)].status == "Available"
    assert after.evses[EvseId(1)].status == "Charging"
    assert disconnected(after).evses == after.evses


def test_a_number_given_to_a_1_6_pile_is_the_transaction_of_its_connector_until_it_ends() -> None:
    state = observe(StationState(P1), started(None), NOW, "77")
    assert state.evses[EvseId(1)].ocpp_transaction == "77"
    assert state.transactions == {"77": 1}
    assert observe(state, ended("78"), NOW).evses[EvseId(1)].ocpp_transaction == "77"
    state = observe(state, ended("77"), NOW)
    assert state.evses[EvseId(1)].ocpp_transaction is None
    assert state.transactions == {}


def test_a_transaction_that_begins_with_the_driver_is_at_the_evse_which_the_plug_names() -> None:
    state = observe(StationState(P1), started("t1", 0), NOW)
    told = (Sample(NOW, Wh(9)),)
    plug = TransactionUpdated(P1, EvseId(2), "k", b"", "t1", None, NOW, told, offline=False, seq_no=1)
    state = observe(state, plug, NOW)
    assert state.transactions == {"t1": 2}
    assert (state.evses[EvseId(0)].ocpp_transaction, state.evses[EvseId(2)].ocpp_transaction) == (None, "t1")
    assert (state.evses[EvseId(0)].transaction_at, state.evses[EvseId(2)].transaction_at) == (None, NOW)


def test_when_a_transaction_began_stays_with_it_whatever_is_heard_later() -> None:
    state = observe(StationState(P1), started("t1"), NOW + 5)
    update = TransactionUpdated(
        P1, EvseId(1), "k", b"", "t1", None, NOW + 9, (Sample(NOW + 9, Wh(9)),), offline=False, seq_no=1
    )
    state = observe(state, update, NOW + 9)
    assert state.evses[EvseId(1)].transaction_at == NOW
    assert observe(state, ended("t1"), NOW + 10).evses[EvseId(1)].transaction_at is None


def test_an_end_of_the_unknown_changes_nothing() -> None:
    assert observe(StationState(P1), ended("9"), NOW).evses == {}
    assert observe(StationState(P1), ended("9", evse=3), NOW).evses == {}


def test_what_a_sample_does_not_say_stays() -> None:
    state = observe(StationState(P1), MeterRead(P1, EvseId(1), None, (Sample(NOW, Wh(5), soc_permille=400),)), NOW)
    state = observe(state, MeterRead(P1, EvseId(1), None, (Sample(NOW + 1, Wh(6)),)), NOW)
    evse = state.evses[EvseId(1)]
    assert (evse.register_wh, evse.soc_permille, evse.sample_at) == (6, 400, NOW + 1)


def test_a_broken_pile_cannot_grow_its_state_without_bound() -> None:
    state = StationState(P1)
    for number in range(500):
        state = observe(state, started(str(number), evse=number), NOW)
    assert len(state.transactions) == OPEN_TRANSACTIONS_MAX
    assert len(state.evses) == EVSES_MAX
