"""The worker: takes what is due, and says it.

process.py is the process and its clock, pipeline.py the threads between claim and outcome,
lanes.py the order in which accounts speak.
"""

from social_scheduler.worker.process import Worker, crash_at, in_trouble, overdue

__all__ = ["Worker", "crash_at", "in_trouble", "overdue"]
