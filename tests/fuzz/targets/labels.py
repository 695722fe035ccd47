"""Tables and lists of labels: of the training, of streams, and of a corpus.

The first byte says which file of a folder the rest is.
"""

import csv
import io

import numpy as np
import soundfile
from targets.common import folder, written

from engine.errors import KwsError
from training.data.corpus import corpus_rows
from training.data.folder import folder_labels, list_folder
from training.data.json_list import read_json_list
from training.data.label_csv import read_label_csv
from training.evaluation.events import match_events
from training.evaluation.files import read_figures
from training.evaluation.stream_folder import INDEX_FILE, read_spoken, read_streams

IS_TEXT = True
KINDS = ("labels.csv", "truth.csv", INDEX_FILE, "list.json", "words.csv", "other.csv", "split.txt")


def run(data: bytes) -> None:
    kind = KINDS[data[0] % len(KINDS)] if data else KINDS[0]
    try:
        _read(kind, data[1:])
    except KwsError as err:
        str(err)


def _read(kind: str, data: bytes) -> None:
    match kind:
        case "labels.csv":
            table = read_label_csv(written("labels.csv", data))
            assert len(table.names) == len(set(table.names)) == len(table.mids)
        case "truth.csv" | "streams.json":
            _read_streams(kind, data)
        case "list.json":
            written("a.wav", _wav())
            table = read_label_csv(written("labels.csv", b"index,mid,display_name\n0,/m/a,a\n"))
            path = written("list.json", data)
            read_json_list(path, table)
        case "words.csv" | "other.csv":
            _read_corpus(kind, data)
        case "split.txt":
            word = folder() / "plain" / "yes"
            word.mkdir(parents=True, exist_ok=True)
            (word / "p0_nohash_0.wav").write_bytes(_wav())
            (word.parent / "validation_list.txt").write_bytes(data)
            folder_labels(list_folder(word.parent))


def _read_streams(kind: str, data: bytes) -> None:
    entry = b'{"name": "a", "kind": "words", "file": "a.wav", "truth": "a.csv"}'
    written(INDEX_FILE, data if kind == INDEX_FILE else b'{"streams": [' + entry + b"]}")
    written("a.csv", data if kind == "truth.csv" else b"keyword,onset_s,offset_s\nyes,0.1,0.2\n")
    written("a.wav", _wav())
    if kind == INDEX_FILE:
        try:
            read_figures(folder() / INDEX_FILE)
        except KwsError as err:
            str(err)
    read_spoken(folder(), ["yes"])
    for stream in read_streams(folder()):
        assert match_events(stream.references, []).miss_rate in (1.0, 0.0) or not stream.references
        {reference.keyword.upper() for reference in stream.references}


def _read_corpus(kind: str, data: bytes) -> None:
    columns: tuple[str, ...] = ("path", "word", "speaker", "split", "suspect")
    words = _table(columns, ("a.wav", "a", "p", "train", ""))
    columns = ("path", "kind", "speaker", "note", "source", "licence")
    others = _table(columns, ("a.wav", "noise", "", "", "", ""))
    written("speech_commands.csv", data if kind == "words.csv" else words)
    written("other_audio.csv", data if kind == "other.csv" else others)
    for row in corpus_rows(folder()):
        assert all(isinstance(value, str) for value in row.values()), row


def _table(columns: tuple[str, ...], row: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([columns, row])
    return text.getvalue().encode()


def _wav() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(8_000, np.int16), 16_000, format="WAV")
    return file.getvalue()
