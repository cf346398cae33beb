from __future__ import annotations

import pytest
from sample import HOSTILE, Sample, sample_results


@pytest.fixture(scope="session")
def paper() -> Sample:
    return sample_results()


@pytest.fixture(scope="session")
def other_study() -> Sample:
    return sample_results((HOSTILE, "plain"), paper=False)
