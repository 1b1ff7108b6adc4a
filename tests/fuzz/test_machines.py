"""Random machines, deferred, at once and beside NumPy; `make fuzz` runs as many as one likes."""

import os

from fuzz.machines.__main__ import Campaign

COUNT = 300


def test_machines():
    campaign = Campaign(COUNT, seed=0, jobs=min(2, len(os.sched_getaffinity(0)))).run()
    assert not campaign.faults, f"{dict(campaign.faults)}\n" + "\n\n".join(s for _, _, s in campaign.reports)
    assert campaign.passed == COUNT
    assert campaign.compared > 5 * COUNT
    assert (
        campaign.unclear < 0.03 * campaign.compared
    )  # what NumPy's two runs do not determine is not compared
