"""Runs tasks in processes that can be killed: one that hangs, uses up memory or crashes fails alone.

A document may take over the process that reads it. So answers are plain data, never pickles; each is limited
in size and time, and has the number of the task that it answers.
"""

from __future__ import annotations

from aggregator.processes.fork_server import import_early, preload
from aggregator.processes.one_process import Died, Lost, Stopped
from aggregator.processes.pool import AnswerFormat, Processes, cores

__all__ = ["AnswerFormat", "Died", "Lost", "Processes", "Stopped", "cores", "import_early", "preload"]
