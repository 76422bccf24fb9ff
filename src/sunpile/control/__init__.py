"""Chapter 6: limits that keep a site within its fuses and make the most of price and surplus.

Pure: `allot(site, demands, prices) -> limits`. Who sends the limits to the piles is wired outside.
"""
