"""What people and clocks ask for: one module per verb.

A service call is one transaction, opened and committed here; shells never see one.
Publishing has its own transactions and says why (publish.py, calling.py, unsent.py).
"""
