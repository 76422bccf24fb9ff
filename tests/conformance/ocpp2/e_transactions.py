"""Block E, transactions: starts and stops at each point a station may choose, and the status of a transaction."""

from conformance.ocpp2.states import new_visit
from conformance.registry import case
from conformance.scene import Scene

BOTH = ("2.0.1", "2.1")


@case("TC_E_03_CSMS", *BOTH, basis="part 6")
async def cable_first(scene: Scene) -> None:
    await scene.booted()
    visit = await new_visit(scene)
    await visit.plug_in()
    await visit.is_active(authorised=None)
    await visit.authorise()
    await visit.charge()
    await visit.is_active(evse=1, authorised="Accepted", id_token=visit.token)
    await visit.unplug()
    await visit.is_over("EVDisconnected")
