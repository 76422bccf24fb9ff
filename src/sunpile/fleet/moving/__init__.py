"""Moving in from another system: its tables are read into one neutral `Fleet`, and nothing is dropped in silence.

`dump` reads what mysqldump wrote, `export` what psql and GraphQL give; `steve` and `citrineos` know their schemas;
`past` judges old sessions; `store.moving` writes. All here is pure.
"""
