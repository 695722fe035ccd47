"""Placeholders, and what people get to see."""

import json

import pytest
from actions import action, occasion, read

from kws_app.actions.action import describe, has_placeholder


def test_placeholders_are_filled_once_and_the_rest_is_left() -> None:
    text = "{keyword} {score} {time_s} {other} {} ${HOME} {{keyword}} %s"
    assert occasion("{score}").fill(text) == ("{score} 0.9375 1.5 {other} {} ${HOME} {{score}} %s")
    assert has_placeholder("a{time_s}b")
    assert not has_placeholder("{keywords} {}")


@pytest.mark.parametrize(
    ("payload", "filled"),
    [
        ('{"word": "{keyword}"}', r'{"word": "a\"b\\c"}'),
        ('"{keyword}"', r'"a\"b\\c"'),
        ('{"word": "{keyword}", "at": {time_s}}', r'{"word": "a\"b\\c", "at": 1.5}'),
        ("{keyword}", r'a"b\c'),  # no JSON: letter by letter
        ('{"word": {keyword}}', r'{"word": a"b\c}'),
        ("", ""),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_a_payload_that_is_json_stays_json(payload: str, filled: str) -> None:
    assert occasion(r'a"b\c').fill_payload(payload) == filled


def test_letters_stay_letters_in_json() -> None:
    assert occasion("zwölf").fill_payload('["{keyword}"]') == '["zwölf"]'
    assert json.loads(occasion("\u0001").fill_payload('["{keyword}"]')) == ["\u0001"]


def test_the_body() -> None:
    assert json.loads(occasion(score=0.123456789).to_json()) == {
        "keyword": "stop",
        "score": 0.123457,
        "time_s": 1.5,
        "threshold": 0.75,
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('command = ["echo", "a b", "{keyword};x"]', "command echo 'a b' 'stop;x'"),
        ('keystroke = "ctrl+M"', "keystroke ctrl+m"),
        ('webhook = "http://h:81/hush?hush"\nheaders = { A = "hush" }', "webhook http://h:81"),
        ('webhook = "https://h?hush"', "webhook https://h"),
        (
            'mqtt = "kws/{keyword}"\nhost = "h"\nusername = "hush"\npayload = "hush"',
            "mqtt kws/stop on h:1883",
        ),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert describe(action(text).deed, occasion()) == shown


def test_keywords_that_are_answered() -> None:
    some, every = read(
        '[[action]]\nkeyword = ["yes", "no"]\ncommand = ["a"]\n'
        '[[action]]\nkeyword = "*"\ncommand = ["a"]'
    )
    assert [some.answers(word) for word in ("yes", "no", "stop", "*")] == [True, True, False, False]
    assert every.answers("stop")
