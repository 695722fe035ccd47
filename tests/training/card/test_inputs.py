"""The inputs are those of the manifest."""

from dataclasses import asdict, replace

from card_world import World

from training.card.document import all_statements
from training.card.inputs import inputs


def test_constants_and_shapes(world: World) -> None:
    manifest = world.records.manifest
    assert manifest
    said = all_statements(inputs(world.records, manifest))
    assert {key for key in said if key.startswith("features.")} == {
        f"features.{name}" for name in asdict(manifest.fbank)
    }
    assert said["features.mean"].text == "-6.845978"
    assert said["input.window_s"].text == "1.0 s (16000 samples), a new one every 0.1 s"
    assert said["input.frames"].text.startswith("98 of a window, 0 padded; ")
    padded = replace(manifest, fbank=replace(manifest.fbank, target_frames=128))
    text = all_statements(inputs(world.records, padded))["input.frames"].text
    assert text == "98 of a window, 30 padded; the model's input is [batch, 128, 128]"
    inside = replace(manifest, normalization="inside")
    text = all_statements(inputs(world.records, inside))["input.normalization"].text
    assert text.startswith("the ONNX graph")


def test_behaviour_is_what_was_found_out(world: World) -> None:
    manifest = world.records.manifest
    assert manifest
    said = all_statements(inputs(world.records, manifest))
    assert said["input.shorter than a window"].text.startswith("0 windows scored of 0.5000 s")
    assert said["input.longer"].text.startswith("16 windows scored of 2.5000 s")
    assert "20.79 too high" in said["input.int16_array"].text
    assert "21 windows scored of 3.0 s" in said["input.silence"].text
    blind = all_statements(inputs(replace(world.records, behaviour=None), manifest))
    assert not blind["input.int16"].known
