"""What a person may write, and one line for each mistake."""

import re
from pathlib import Path

import pytest
from actions import action, read

from engine.errors import ConfigError
from kws_app.actions.action import Broker, Message, Program, Webhook
from kws_app.actions.secret import Secret
from kws_app.actions.tables import check_switch, read_actions


def test_defaults() -> None:
    first, second = read("""
        [[action]]
        keyword = "stop"
        command = ["amixer", "set", "Master", "toggle"]
        [[action]]
        keyword = ["yes", "no"]
        webhook = "https://example.org:8443/x?y=1"
    """)
    assert (first.number, first.place) == (1, "kws.toml, action 1")
    assert first.deed == Program(arguments=("amixer", "set", "Master", "toggle"))
    assert (first.keywords, first.cooldown_s, first.min_score) == (("stop",), 1.0, None)
    assert (first.dry_run, first.enabled, first.timeout_s) == (False, True, 10.0)
    assert second.deed == Webhook(url="https://example.org:8443/x?y=1", method="POST", headers={})
    assert (second.keywords, second.timeout_s) == (("yes", "no"), 5.0)


def test_everything_that_can_be_said() -> None:
    got = action("""
        keyword = "*"
        mqtt = "kws/{keyword}"
        payload = ""
        host = "broker.local"
        port = 1884
        username = "kws"
        password_env = "BROKER_PASSWORD"
        tls = true
        ca_file = "ca.pem"
        cooldown_s = 0.5
        min_score = 0.9
        dry_run = true
        enabled = false
        timeout_s = 2
    """)
    assert got.deed == Message(
        topic="kws/{keyword}",
        payload="",
        broker=Broker(
            host="broker.local",
            port=1884,
            username="kws",
            password=Secret(place="kws.toml, action 1", variable="BROKER_PASSWORD"),
            tls=True,
            ca_file="ca.pem",
        ),
    )
    assert (got.cooldown_s, got.min_score, got.timeout_s) == (0.5, 0.9, 2)
    assert (got.dry_run, got.enabled) == (True, False)
    assert got.answers("anything")


def test_ports_of_brokers() -> None:
    for line, port in (("", 1883), ("tls = true", 8883)):
        deed = action(f'mqtt = "t"\nhost = "h"\n{line}').deed
        assert isinstance(deed, Message)
        assert deed.broker.port == port


def test_headers_are_text_or_name_where_it_is() -> None:
    deed = action("""
        webhook = "http://[::1]/"
        method = "PUT"
        headers = { X-Room = "kitchen", A = { env = "TOKEN" }, B = { file = "token" } }
    """).deed
    assert isinstance(deed, Webhook)
    assert deed.method == "PUT"
    assert deed.headers == {
        "X-Room": "kitchen",
        "A": Secret(place="kws.toml, action 1, headers, A", variable="TOKEN"),
        "B": Secret(place="kws.toml, action 1, headers, B", path="token"),
    }


COMMAND = 'command = ["true"]\n'
HOOK = 'webhook = "http://h/"\n'
MQTT = 'mqtt = "t"\nhost = "h"\n'
MISTAKES = {
    "": "it does nothing; give it one of command, keystroke, webhook, mqtt",
    'comand = ["true"]': r"key 'comand' is unknown \(did you mean 'command'\?\); it may have",
    COMMAND + HOOK: "it has command and webhook; write one [[action]] for each",
    COMMAND + "cooldown = 1": r"key 'cooldown' is unknown \(did you mean 'cooldown_s'\?\)",
    COMMAND + 'method = "GET"': "method does not belong here; it goes with webhook, and this is a",
    HOOK + 'password = "hush"': "password does not belong here; a password is named by password_f",
    COMMAND
    + 'cooldown_s = "1"': "cooldown_s is '1'; it must be a number of seconds, without quotes",
    COMMAND + "cooldown_s = true": "cooldown_s is True; it must be a number",
    COMMAND + "cooldown_s = -1": "cooldown_s is -1; it must be 0 to 86400 seconds",
    COMMAND + "cooldown_s = nan": "cooldown_s is nan; it must be 0 to 86400 seconds",
    COMMAND + "min_score = 1.1": "min_score is 1.1; it must be 0 to 1",
    COMMAND + "timeout_s = 0": "timeout_s is 0; it must be 0.1 to 3600 seconds",
    COMMAND + 'dry_run = "yes"': "dry_run is 'yes'; it must be true or false, without quotes",
    COMMAND + "enabled = 1": "enabled is 1; it must be true or false, without quotes",
    COMMAND + "keyword = []": r"keyword is \[\]; it must be a keyword, a list of them, or",
    COMMAND + "keyword = 3": "keyword is 3; it must be a keyword",
    COMMAND + 'keyword = ["yes", 3]': r"keyword is \['yes', 3\]; it must be a keyword",
    COMMAND + 'keyword = ""': "keyword is ''; it must be a keyword",
    COMMAND + 'keyword = ["*", "yes"]': r"\"\*\" is for all of them and stands alone",
    'command = "rm -rf /"': r"command is a text; it must be a list of texts, .*no shell reads it",
    "command = []": "command is empty; it must be a list of texts",
    "command = 3": "command is a number; it must be a list of texts",
    'command = ["sleep", 3]': r"command\[1\] is 3; it must be a text, in quotes",
    'command = ["echo", "\\u0000"]': r"command\[1\] has a NUL character",
    'command = [""]': r"command\[0\] is empty; it must name a program",
    'command = ["{keyword}"]': r"command\[0\] has a placeholder; what was heard must not choose",
    "keystroke = 3": 'keystroke is a number; it must be a text, for example "ctrl',
    'keystroke = ""': "keystroke is empty; write for example",
    'keystroke = "hyper+m"': "keystroke 'hyper\\+m': 'hyper' is no modifier",
    'webhook = "ftp://h/"': "webhook has the scheme 'ftp'; it must be http or https",
    'webhook = "h/x"': "webhook has the scheme ''; it must be http or https",
    'webhook = "file:///etc/passwd"': "webhook has the scheme 'file'",
    'webhook = "http:///x"': "webhook has no host; write for example",
    'webhook = "http://h:0/"': "webhook has no host",
    'webhook = "http://h:port/"': "webhook: Port could not be cast",
    'webhook = "http://me:hush@h/"': "webhook has a user or password in it; write an Authorization",
    'webhook = "http://h/{keyword}"': "webhook has characters that no URL may have; write them as",
    'webhook = "http://h/\u00e4"': "webhook has characters that no URL may have",
    'webhook = "http://h/\\r\\nX: y"': "webhook has control characters; write for example",
    HOOK + 'method = "post"': "method is 'post'; it must be one of GET, POST, PUT, PATCH",
    HOOK + 'headers = "A: hush"': "headers is a text; it must be a table, for example headers =",
    HOOK + 'headers = { "A B" = "x" }': "headers: 'A B' is no name of a header",
    HOOK + 'headers = { A = "hush\\r\\nB: c" }': "headers: A has control characters or letters",
    HOOK + 'headers = { A = "hush\u00e4" }': "headers: A has control characters or letters",
    HOOK + "headers = { A = 3 }": 'headers: A must be a text, { env = "NAME" } or',
    HOOK + 'headers = { A = { env = "X", file = "y" } }': "headers: A must be a text",
    HOOK + 'headers = { A = { env = "KWS_X" } }': "A: env is 'KWS_X'; names that begin with KWS_",
    HOOK + 'headers = { A = { file = "" } }': "headers, A: file is empty; write for example",
    'mqtt = "t"': "host is missing; name the broker, for example host =",
    'mqtt = "kws/#"\nhost = "h"': r"mqtt is 'kws/#'; a topic to publish to has no \+ and no #",
    f'mqtt = "{"t" * 65_536}"\nhost = "h"': "mqtt has 65536 bytes; a topic has 65535 at most",
    'mqtt = "t"\nhost = ""': "host is empty; write for example",
    MQTT + "payload = 3": "payload is a number; it must be a text",
    MQTT + "port = 0": "port is 0; it must be 1 to 65535",
    MQTT + "port = 1883.5": "port is 1883.5; it must be a whole number",
    MQTT + 'password_env = "P"': "it has a password without a username",
    MQTT + 'username = "u"\npassword_env = "P"\npassword_file = "p"': "it has password_file and pa",
    MQTT + 'username = "u"\npassword_env = "KWS_P"': "password_env is 'KWS_P'; names that begin",
    MQTT + 'ca_file = "ca.pem"': "it has ca_file without tls; add tls = true",
    MQTT + "tls = 1": "tls is 1; it must be true or false, without quotes",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes(text: str) -> None:
    message = MISTAKES[text].replace("[[action]]", r"\[\[action\]\]")
    with pytest.raises(ConfigError, match=f"^kws.toml, action 1.*{message}") as err:
        action(text)
    assert "\n" not in str(err.value)
    assert "hush" not in str(err.value)


def test_the_keyword_is_not_left_out() -> None:
    with pytest.raises(ConfigError, match=r"action 2: keyword is missing; write for example keyw"):
        read('[[action]]\nkeyword = "a"\ncommand = ["b"]\n[[action]]\ncommand = ["c"]')


@pytest.mark.parametrize("value", ["on", True, {"keyword": "stop"}, [1]])
def test_tables_and_switch_are_told_apart(value: object) -> None:
    with pytest.raises(
        ConfigError, match=r"kws.toml: action is a .*; it must be tables under \[\["
    ):
        read_actions(value, Path("kws.toml"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{}], "actions is a list; it must be one of off, dry-run, on, and tables are headed [[a"),
        (True, "actions is true; it must be one of off, dry-run, on, in quotes"),
    ],
)
def test_the_switch_is_a_word(value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        check_switch(value, Path("kws.toml"))


def test_headers_and_addresses_are_not_in_the_representation() -> None:
    got = action('webhook = "http://h/hush"\nheaders = { A = "hush" }')
    assert "hush" not in repr(got)
