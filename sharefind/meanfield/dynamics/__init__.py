"""How a cloud moves: stochastic gradient descent, gradient flows, schedules, noise."""
