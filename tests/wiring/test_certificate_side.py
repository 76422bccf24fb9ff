from types import SimpleNamespace

from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import update

from chargers.certificates.fakes import Clock, Stations
from chargers.certificates.people import csr
from sunpile.basics.audit import NoAudit
from sunpile.basics.scope import NODE
from sunpile.chargers.certificates.names import load_pem
from sunpile.chargers.certificates.profiles import Wish
from sunpile.chargers.notices import Question, SecurityEvent
from sunpile.people.feed import EventHub
from sunpile.store import every_table
from sunpile.store.chargers import StationStore
from sunpile.store.database import Database
from sunpile.store.tables import stations
from sunpile.wiring.certificate_side import CertificateSide
from sunpile.wiring.ears import Ears


async def test_it(tmp_path):
    db = Database(f"sqlite:///{tmp_path / 'a.db'}")
    every_table.metadata.create_all(db.engine)
    book = StationStore(db)
    await book.add("CS-1", 11000)
    await db.write(lambda c: c.execute(update(stations).values(serial="SN-0001", ocpp_version="2.0.1")))
    commands, ears = Stations(), Ears()

    async def changed(station):
        print("dropped", station)

    commands.changed = changed
    commands.dropped = changed
    ground = SimpleNamespace(
        clock=Clock(), chores=Clock(), database=db, hub=EventHub(), folder=SimpleNamespace(path=tmp_path)
    )
    side = CertificateSide.open(ground, commands, ears, NoAudit(), "Sun Grid", ["localhost"])
    assert await ears.question(
        Question("CS-1", "SignCertificate", {"csr": csr(), "certificateType": "ChargingStationCertificate"})
    ) == {"status": "Accepted"}
    await side.desk._signing.settled()
    [rec] = await side.store.listed(NODE)
    assert rec.state == "accepted", rec
    rec_der = load_pem(rec.chain).public_bytes(Encoding.DER)
    record = await book.find("CS-1")
    assert await side.clients.check(rec_der, record) is None
    assert (await side.passwords.rotate(NODE, "CS-1")).state == "taken"
    assert (await book.find("CS-1")).password_hash != record.password_hash
    await side.profiles.upgrade(NODE, "CS-1", Wish(3, "wss://x"), sure=True)
    assert (await book.find("CS-1")).next_profile == 3
    await ears.notice(SecurityEvent("CS-1", "TamperDetectionActivated", 5, "x"))
    assert len(await side.secrets.listed(NODE, critical=True)) == 1
    await side.upkeep.revoke(NODE, rec.fingerprint, "superseded")
    assert await side.clients.check(rec_der, record) == "certificate revoked"
    assert len(side.routers()) == 6
    db.close()
