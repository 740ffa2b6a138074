"""The queue's edge: the bell that is rung, the worker that hears it, the tick that finds what nobody rang for."""
