"""Widgets grouped by what the user sees: the step list, questions, blocks, a step."""
