"""The assembler: what a keyboard stream means, whatever its pieces."""

from hypothesis import given
from hypothesis import strategies as st

from scanner.wedge import CODE_MAX, Code, Cut, Enter, Output, Typed, Wedge

CODES = st.text("0123456789ABCDEF-*./", min_size=4, max_size=40)
ENDS = st.sampled_from(["\r", "\n", "\r\n", "\t"])


def feed(wedge: Wedge, stream: str, at_ms: int) -> list[Output]:
    out: list[Output] = []
    for char in stream:
        out += wedge.end("enter", at_ms) if char in "\r\n\t" else wedge.feed(char, at_ms)
    return out


@given(st.lists(st.tuples(CODES, ENDS), min_size=1, max_size=20), st.data())
def test_any_split_of_a_stream_at_equal_times_gives_the_same_codes(scans, data):
    stream = "".join(code + end for code, end in scans)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    wedge, out = Wedge(), []
    for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        out += feed(wedge, stream[a:b], 5_000)
    assert out == [Code(code) for code, _ in scans]


@given(st.lists(st.tuples(CODES, ENDS, st.integers(1, 29)), min_size=1, max_size=20))
def test_scans_in_a_row_at_scanner_speed_are_told_apart_by_their_ends(scans):
    wedge, out, at_ms = Wedge(), [], 1_000
    for code, end, gap_ms in scans:
        for char in code:
            out += wedge.feed(char, at_ms)
            at_ms += gap_ms
        out += feed(wedge, end, at_ms)
        out += wedge.idle(at_ms)
    assert out == [Code(code) for code, _, _ in scans]


@given(st.text("0123456789abc-*", min_size=1, max_size=30), st.integers(101, 900))
def test_a_person_s_keys_come_one_by_one(text, gap_ms):
    wedge, out, at_ms = Wedge(), [], 1_000
    for char in text:
        out += wedge.feed(char, at_ms)
        out += wedge.idle(at_ms + 100)
        at_ms += gap_ms
    out += wedge.end("enter", at_ms)
    assert out == [*(Typed(char) for char in text), Enter("enter")]


def test_terminators_within_250_ms_belong_to_the_code_and_later_ones_to_a_person():
    wedge = Wedge()
    assert feed(wedge, "6901234567892\r", 1_000) == [Code("6901234567892")]
    assert wedge.end("ctrl+j", 1_250) == []
    assert feed(wedge, "6901234567892\r", 3_000) == [Code("6901234567892")]
    assert wedge.end("enter", 3_251) == [Enter("enter")]


def test_a_run_without_its_end_is_cut_visibly():
    wedge = Wedge()
    assert feed(wedge, "690123", 1_000) == []
    assert wedge.idle(1_100) == []
    assert wedge.idle(1_151) == [Cut("690123")]
    assert wedge.idle(2_000) == []


def test_a_gap_of_over_100_ms_inside_a_run_cuts_it_and_never_joins_two_codes():
    wedge = Wedge()
    feed(wedge, "69012", 1_000)
    out = feed(wedge, "34567892\r", 1_150)
    assert out[0] == Cut("69012")
    assert Code("6901234567892") not in out


def test_the_rest_of_a_code_right_behind_a_released_character_is_cut_and_not_sold_as_another_code():
    wedge = Wedge()
    assert wedge.feed("6", 1_000) == []
    assert wedge.idle(1_031) == [Typed("6")]
    assert feed(wedge, "901234567892\r", 1_060) == [Cut("901234567892")]
    assert feed(wedge, "6901234567892\r", 1_070) == [Code("6901234567892")]


def test_action_keys_inside_a_scanner_s_run_are_part_of_its_code():
    assert feed(Wedge(), "AB-12*3/4\r", 1_000) == [Code("AB-12*3/4")]


def test_full_width_digits_are_folded():
    assert feed(Wedge(), "６９０１２３４５６７８９２\r", 1_000) == [Code("6901234567892")]


def test_chinese_from_an_input_method_is_typing_although_it_comes_at_once():
    wedge = Wedge()
    assert feed(wedge, "可口可乐", 1_000) == []
    assert wedge.idle(1_200) == [Typed(char) for char in "可口可乐"]


def test_a_paste_is_a_scan_with_or_without_its_end():
    assert Wedge().paste("6901234567892", 1_000) == [Code("6901234567892")]
    assert Wedge().paste("6901234567892\r\n6901234567885\n", 1_000) == [Code("6901234567892"), Code("6901234567885")]


def test_a_code_over_512_characters_is_handed_on_as_too_long_and_the_next_one_is_whole():
    wedge = Wedge()
    out = feed(wedge, "9" * 2_000 + "\r", 1_000)
    assert len(out) == 1 and isinstance(out[0], Code) and len(out[0].text) == CODE_MAX + 1
    assert feed(wedge, "6901234567892\r", 1_010) == [Code("6901234567892")]


def test_two_quick_characters_and_enter_are_a_person_s():
    assert feed(Wedge(), "50\r", 1_000) == [Typed("5"), Typed("0"), Enter("enter")]
