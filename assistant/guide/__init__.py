"""The wizard itself, front-end neutral: steps, questions, saved state, next action."""
