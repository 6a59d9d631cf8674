from __future__ import annotations

import pytest

from asr.diarize.rttm import Talk, as_rttm, read_rttm
from asr.errors import ConfigError


def test_what_is_written_reads_back() -> None:
    talk = [Talk("agent", 0.25, 1.5), Talk("customer", 1.25, 2.0)]
    assert read_rttm(as_rttm("call", talk)) == talk


def test_other_lines_are_passed_over_and_a_broken_one_is_named() -> None:
    assert read_rttm("SPKR-INFO call 1 <NA> <NA> <NA> unknown agent <NA>\n\n") == []
    with pytest.raises(ConfigError, match="line 2 of the RTTM"):
        read_rttm("\nSPEAKER call 1 zero 1.0 <NA> <NA> agent <NA> <NA>")
