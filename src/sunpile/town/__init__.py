"""Beside the story: a town that plays a day.

Forty houses with roofs, forty charging piles, four batteries and the people who use them, all from one seed. The
town speaks the real protocols to a real node and knows nothing of its inside: piles open OCPP websockets, meters and
inverters answer Modbus, houses push signed readings over HTTP, drivers have accounts and pay voucher by voucher.

It also moves the time: `clock` is a virtual clock that goes on to the next moment at which somebody has something to
do, and only after every due message is answered. So a day passes in a minute, and the same seed gives the same
messages and the same Wh, whatever is killed and started again in between.

`town.run(scenario, ...)` is the entry. Weather, profiles, sessions and prices are real data, see `data/README.md`.
"""
