"""Chapter 6: limits that keep a site within its fuses and make the most of price and surplus.

A site is a tree of fuses with outlets at its leaves. `allot(site, cars, conditions)` says how much current each car
gets, exact and pure; `guard.decide` says which limits to send so that every fuse is kept whatever is lost on the way,
also while the node is gone. `SiteControl` is the entry: it hears stations, looks at the clock, and sends.
"""
