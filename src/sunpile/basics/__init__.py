"""Chapter 0: the words everyone shares.

Energy is whole Wh, power whole W, prices whole micro-currency per kWh, ledger amounts whole nano-currency. Time is
UTC and comes from a `Clock`. A `Reading` is what a metering point used in one interval, signed by its key as
EIP-712 typed data; readings hang in a Merkle tree whose root goes on chain. Expected errors form one tree.
Nothing here reads a clock, a socket, a file or a database; only `secret_files` writes to a disk.

Nobody enters here: every later chapter takes its words from `units`, `interval`, `ids`, `reading`, `tariff`, `errors`.
"""
