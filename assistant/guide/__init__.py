"""The wizard itself, front-end neutral: steps, questions, saved state, next action."""

from .guide import Guide

__all__ = ["Guide"]
