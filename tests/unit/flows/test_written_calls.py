"""Calls as text: read, and written back with their spans."""

import pytest

from flows.written_calls import LineError, WrittenCall, decode, parse

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"turns": [{"speaker": "C", "text": "4111"', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('["4111"]', "is not an object"),
        ('{"turns": "4111"}', "is not an object"),
        ('{"turns": [{"speaker": "C", "words": "4111"}]}', "has a turn"),
        ('{"turns": [{"speaker": ["4111"], "text": ""}]}', "speaker"),
    ],
)
def test_a_broken_line_is_named_and_not_quoted(line: str, why: str) -> None:
    with pytest.raises(LineError, match=f"line 12 of the input.*{why}") as caught:
        parse(line, 12)
    assert "4111" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_what_is_not_utf_8_is_named() -> None:
    with pytest.raises(LineError, match="line 3 of the input is not UTF-8"):
        decode(b"4111 \xff", 3)


def test_a_call() -> None:
    call = parse('{"id": "x", "turns": [{"speaker": "C", "text": " a  b\\n"}, {"text": ""}], "words": [1]}', 1)
    assert call == WrittenCall((("C", " a  b\n"), ("", "")), "x")
    assert "b" not in repr(call).replace("WrittenCall", "")
    assert [[word.text for word in turn.words] for turn in call.transcript().turns] == [["a", "b"]]
