"""What the README promises is what happens."""

import re

from program import ROOT, run

README = (ROOT / "README.md").read_text()


def test_the_demo_prints_what_the_readme_shows() -> None:
    lines = run("--headless", "--input", "assets/demo.flac").stdout.splitlines()
    assert lines
    # Another processor may round the last digit of a score differently.
    shown = [line.split()[:3] for line in README.splitlines() if re.match(r" +\d+\.\d\d s  ", line)]
    assert [line.split()[:3] for line in lines] == shown


def test_every_flag_is_in_the_readme() -> None:
    flags = set(re.findall(r"--[a-z-]+", run("--help").stdout)) - {"--help"}
    assert {flag for flag in flags if flag not in README} == set()


def test_every_keyword_is_in_the_readme() -> None:
    done = run("--headless", "--input", "assets/demo.flac", "-v", "--duration", "1")
    keywords = done.stderr.partition("keywords: ")[2].splitlines()[0].split()
    listed = README.partition("35 words of Speech Commands:")[2].partition("\n\n")[0]
    assert re.findall(r"[a-z]+", listed) == keywords


def test_linked_documents_exist() -> None:
    for name in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / name).exists(), name
