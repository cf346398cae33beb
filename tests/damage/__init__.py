"""A catalogue of damaged input: how to damage it, the call, and the answer that must come.

One module per kind of input; `entry` says what an entry is, `world` makes the sound input that each
of them damages. ``tests/cli/test_damage.py`` runs all of it.
"""
