"""The rules of EnergyMarket as a plain program: what the contract must do, said a second time.

`clearing` finds price and fills by their definitions, `market` keeps accounts, orders and money in dictionaries and
lists. Nothing here knows slots, words, per mille thresholds or gas.
"""
