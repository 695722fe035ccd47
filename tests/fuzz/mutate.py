"""Changes text where it hurts: a word, number or string of it becomes a nasty one."""

import random
import re

_TOKENS = re.compile(rb'"(?:[^"\\\n]|\\.)*"|[\w.+-]+|[^\w\s]')
_NASTY = (
    *(b"", b"null", b"true", b"false", b"[]", b"{}", b"0", b"-1", b"1.5", b"-0.0", b"2", b"65536"),
    *(b"nan", b"inf", b"-inf", b"NaN", b"Infinity", b"-Infinity", b"1e308", b"1e-308", b"1e999"),
    *(b"9223372036854775808", b"9" * 400, b"9" * 5_000, b"0x" + b"f" * 5_000),
    *(b'""', b'"\\u0000"', b'"\\ud800"', b'"\\u2028"', b'"x"', b'"' + b"x" * 300 + b'"', b'".."'),
    *(b'"../x"', b'"/"', b"'", b"\0", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n\n", b"," * 20),
    *(b"[" * 1_500, b'{"a":' * 1_500, b"a." * 30 + b"a", b"1979-05-27T07:32:00Z", b"=", b"\x85"),
    *(b'"0001-01-01T00:00:00+00:00"', b'"9999-12-31T23:59:59-23:00"', b"[[]]", b'[1, "x"]'),
)


def mutated(data: bytes, seed: int) -> bytes:
    """The same text with one to three tokens replaced, doubled, dropped or exchanged."""
    rng = random.Random(seed)
    for _ in range(rng.randint(1, 3)):
        places = [match.span() for match in _TOKENS.finditer(data)]
        if not places:
            return rng.choice(_NASTY)
        first, last = rng.choice(places)
        other = data[slice(*rng.choice(places))]
        token = data[first:last]
        new = rng.choice((rng.choice(_NASTY), rng.choice(_NASTY), other, token + token, b""))
        if rng.random() < 0.2 and token.startswith(b'"'):
            new = b'"' + new.strip(b'"') + b'"'
        data = data[:first] + new + data[last:]
    return data
