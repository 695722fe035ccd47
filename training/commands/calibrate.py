"""Set thresholds by a promise: at most so many false alarms a day."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.flags import (
    MOST_SMOOTHING,
    add_split,
    add_stream_choice,
    add_workers,
    number,
    whole,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--model", type=Path, required=True, help="its manifest is changed")
    parser.add_argument("--data", type=Path, required=True, help="folder with clips of keywords")
    parser.add_argument(
        "--false-alarms-per-day", type=float, required=True, help="of all keywords together"
    )
    parser.add_argument(
        "--sure",
        action="store_true",
        help="the upper end of the 95 %% interval must keep the promise too",
    )
    parser.add_argument(
        "--room",
        type=Path,
        nargs="+",
        default=[],
        help="recordings without keywords, or folders of them; else the backgrounds of the data",
    )
    parser.add_argument(
        "--record", metavar="TIME", help="record so long (2h, 30m) into the first --room before"
    )
    parser.add_argument("--device", help="microphone to record with, by name or index")
    add_split(parser)
    parser.add_argument(
        "--smoothing",
        type=whole(1, MOST_SMOOTHING),
        nargs="+",
        default=[1, 2, 3, 4, 5],
        help="windows to try",
    )
    parser.add_argument(
        "--most-delay",
        type=number(0),
        default=0.3,
        metavar="S",
        help="longest median time from a word's end to its detection",
    )
    add_stream_choice(parser)
    add_workers(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would be written, and write nothing"
    )


def run(options: argparse.Namespace) -> None:
    """Calibrate, print the outcome and write the manifest."""
    from engine.errors import ConfigError
    from engine.manifest import load_manifest
    from training.calibration.calibrate import calibrate, calibrated
    from training.calibration.evidence import hours_without_keywords, listen
    from training.calibration.promise import require_support
    from training.calibration.report import to_markdown
    from training.calibration.room import duration_s, record_room
    from training.data.long_audio import has_sound
    from training.evaluation.material import read_material
    from training.manifest_file import write_manifest

    manifest = load_manifest(options.model)
    material = read_material(options.data, options.split)
    for note in material.notes:
        print(f"left out: {note}")
    rooms = options.room
    if options.record:
        seconds = duration_s(options.record)
        rooms = rooms or [Path("room")]
        # Refused before it is recorded, not hours later.
        recorded = [room for room in rooms if has_sound(room)]
        hours = hours_without_keywords(material, recorded) if recorded else 0.0
        require_support(options.false_alarms_per_day, hours + seconds / 3600)
        record_room(rooms[0], seconds, options.model, options.device)
    require_support(options.false_alarms_per_day, hours_without_keywords(material, rooms))
    heard = listen(
        manifest,
        material,
        material.words(manifest.keywords),
        rooms=rooms,
        most_per_word=options.most_per_word,
        seed=options.seed,
        workers=options.workers,
    )
    found = calibrate(
        manifest,
        heard,
        per_day=options.false_alarms_per_day,
        smoothing=options.smoothing,
        most_delay_s=options.most_delay,
        sure=options.sure,
    )
    print(to_markdown(found), end="")
    if not options.dry_run:
        now = load_manifest(options.model)  # somebody may have written it meanwhile
        if now.model_sha256 != manifest.model_sha256:
            raise ConfigError(f"{options.model} has become another model meanwhile; try again")
        write_manifest(calibrated(now, found))
        print(f"wrote {manifest.folder / 'manifest.json'}")
    else:
        print("nothing was written (--dry-run)")
