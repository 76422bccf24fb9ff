"""Signed values: whose key counts, what is read, what is refused."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.signing import CURVES, SigningMeter
from sessions.talk import T0
from sunpile.basics.errors import InputInvalid
from sunpile.sessions import ocmf

PUBLIC_KEY = (
    "3059301306072A8648CE3D020106082A8648CE3D03010703420004EF1766AFD940A49FBA863779837F394EB053BF87DB529DE69FDDE8B324"
    "85D7AD715CD8F291656B1DEAA29337A65E4B1B7F9F2808E4E53019B867D4C9294948C9"
)
"""Key and record of the example in road-labs/ocmf-js."""
PUBLIC_RECORD = (
    'OCMF|{"FV":"1.0","GI":"TEST","GS":"1234567","GV":"1.0.0","PG":"T1","MV":"MV","MM":"MM","MS":"1234567","MF":"1.0",'
    '"IS":true,"IL":"VERIFIED","IF":["RFID_PLAIN","OCPP_RS_TLS"],"IT":"ISO14443","ID":"2AB46E883AD3BB","CI":"CSONE",'
    '"CT":"CBIDC","RD":[{"TM":"2025-06-14T08:49:47,642+0100 S","TX":"B","RV":0.56698,"RI":"1-b","RU":"kWh","EI":1523,'
    '"ST":"G"},{"TM":"2025-06-14T11:49:47,642+0100 S","TX":"E","RV":8.36706,"RI":"1-b","RU":"kWh","EI":1523,"ST":"G"}]}'
    '|{"SA":"ECDSA-secp256r1-SHA256","SD":"3045022100DB41C0B8AC1580F274574DC8A5C9AD856C1A4B0D5BF2252D119F55202E3639680'
    '22053BD9DBE36DF6EF1F712C76A0E12F80E8B7E614683375C046371871E128B9BA3"}'
)


def test_a_public_example_is_read_and_verified():
    record = ocmf.parse(PUBLIC_RECORD)
    assert ocmf.verify(record, PUBLIC_KEY)
    assert (record.serial, record.page, record.token) == ("1234567", "T1", "2AB46E883AD3BB")
    pair = ocmf.pair_of([record])
    assert pair.wh == 7800  # 8367.06 Wh less 566.98 Wh, rounded down
    assert pair.end.at - pair.begin.at == 3 * 3600
    assert pair.begin.synchronised


def test_a_changed_digit_is_found():
    assert not ocmf.verify(ocmf.parse(PUBLIC_RECORD.replace("8.36706", "9.36706")), PUBLIC_KEY)


@pytest.mark.parametrize("curve", CURVES)
def test_every_curve(curve):
    meter, other = SigningMeter(curve), SigningMeter(curve)
    record = ocmf.parse(meter.whole((T0, 1000), (T0 + 900, 3000)))
    assert ocmf.verify(record, meter.key)
    assert not ocmf.verify(record, other.key)


def test_a_signature_by_a_key_of_another_curve_is_no_proof():
    meter = SigningMeter("secp256k1")
    text = meter.whole((T0, 0), (T0 + 900, 1)).replace("secp256k1", "secp256r1")
    assert not ocmf.verify(ocmf.parse(text), meter.key)


def test_a_key_is_the_same_however_it_is_written():
    key = SigningMeter().key
    raw = bytes.fromhex(key)
    wrapped = base64.b64encode(f"oca:base16:asn1:{key}".encode()).decode()
    pem = f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(raw).decode()}\n-----END PUBLIC KEY-----\n"
    for written in (key.upper(), base64.b64encode(raw).decode(), wrapped, pem, raw[-65:].hex()):
        assert ocmf.same_key(written, key), written
    assert not ocmf.same_key(SigningMeter().key, key)
    assert not ocmf.same_key("no key", key)


def test_a_text_comes_plain_in_base64_or_in_hex():
    text = SigningMeter().whole((T0, 1000), (T0 + 900, 3000))
    for sent in (text, base64.b64encode(text.encode()).decode(), text.encode().hex()):
        assert ocmf.text_of(sent) == text


def test_begin_and_end_may_come_in_two_records_of_one_meter():
    meter = SigningMeter()
    begin = ocmf.parse(meter.record(meter.reading(T0, 1000, "B")))
    end = ocmf.parse(meter.record(meter.reading(T0, 1000, "B"), meter.reading(T0 + 900, 3500, "L")))
    assert ocmf.pair_of([begin, end]).wh == 2500
    assert ocmf.pair_of([begin]) is None
    stranger = SigningMeter(serial="M2")
    assert ocmf.pair_of([begin, ocmf.parse(stranger.record(stranger.reading(T0 + 900, 3500, "E")))]) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"ST": "M"}, "the meter was manipulated"),
        ({"EF": "E"}, "its energy is in error"),
        ({"RV": 0.5}, "it ran back"),
        ({"TM": "2001-01-01T00:00:00,000+0000 S"}, "it ends before it begins"),
        ({"RI": "1-b:2.8.0"}, "it is another register"),
    ],
)
def test_a_pair_that_does_not_fit_gives_no_energy(change, why):
    meter = SigningMeter()
    text = meter.record(meter.reading(T0, 1000, "B"), meter.reading(T0 + 900, 3000, "E") | change)
    assert ocmf.verify(ocmf.parse(text), meter.key)
    assert ocmf.pair_of([ocmf.parse(text)]) is None, why


def test_what_a_reading_leaves_out_is_that_of_the_one_before():
    meter = SigningMeter()
    text = meter.record(meter.reading(T0, 1000, "B"), {"TX": "E", "RV": 1.5})
    assert ocmf.pair_of([ocmf.parse(text)]).wh == 500


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AP;0;3;ALFEN",
        "OCMF|",
        "OCMF|{}|{}",
        "OCMF|x|y",
        'OCMF|{"RD":[]}|{"SD":"00"}',
        'OCMF|{"RD":[{"TM":"2025-06-14T08:49:47,642+0100 S","RV":"NaN","RU":"kWh"}]}|{"SD":"00"}',
        'OCMF|{"RD":[{"TM":"2025-06-14T08:49:47,642+0100 S","RV":1,"RU":"kvarh"}]}|{"SD":"00"}',
        'OCMF|{"RD":[{"TM":"2025-16-14T08:49:47,642+0100 S","RV":1,"RU":"kWh"}]}|{"SD":"00"}',
        'OCMF|{"RD":[{"TM":"2025-06-14T08:49:47,642+0100 S","RV":1,"RU":"kWh"}]}|{"SD":"xx"}',
        "OCMF|" + "{" * 5000 + "|{",
    ],
)
def test_what_is_no_record_is_refused_in_words(text):
    with pytest.raises(InputInvalid, match="signed value"):
        ocmf.parse(text)


@given(st.text(max_size=200), st.integers(0, len(PUBLIC_RECORD)))
def test_no_text_breaks_the_parser_and_none_but_the_true_one_is_valid(junk, place):
    text = PUBLIC_RECORD[:place] + junk + PUBLIC_RECORD[place:]
    try:
        record = ocmf.parse(text)
    except InputInvalid:
        return
    true = ocmf.parse(PUBLIC_RECORD)
    assert not ocmf.verify(record, PUBLIC_KEY) or record.payload == true.payload
