"""Chapter 2b: many stations, one operator.

What an operator asks of one station is a `chargers.commands` record; here it becomes a `Run` over many: paced,
budgeted, approved by a second person where much is at stake, with progress and a result per station. Around it what a
fleet needs: templates and drift, monitoring and alerts, firmware campaigns, uploads, maintenance, uptime and success.
Markets and money are unknown here.
"""
