"""The parts of `selfinterp_stats.study.simulate`, which is the face to use."""
