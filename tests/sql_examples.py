"""The statements of docs/sql.md."""

from __future__ import annotations

import re
from pathlib import Path

_DOCS = (Path(__file__).parents[1] / "docs" / "sql.md").read_text()
_BLOCKS = re.findall(r"^```sql\n(.*?)^```", _DOCS, re.MULTILINE | re.DOTALL)

EXAMPLES = [block for block in _BLOCKS if block.startswith("SELECT")]
ROLE = next(block for block in _BLOCKS if block.startswith("CREATE ROLE"))
