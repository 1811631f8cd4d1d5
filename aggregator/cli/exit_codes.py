"""The exit codes of the commands, and the text that explains them in --help."""

from __future__ import annotations

EXIT_DONE, EXIT_NOTHING, EXIT_USAGE = 0, 1, 2

EXIT_CODES = """\b
Exit codes: 0 done (single sources may have failed, and are named),
1 an output could not be written (it is named) or nothing could be done,
2 usage or config, 130 stopped by Ctrl-C."""
