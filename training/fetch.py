"""Fetches released weights: AST from the Hugging Face hub, DeiT from its authors."""

from __future__ import annotations

from pathlib import Path

from engine.errors import SourceError
from training.download import Download, fetch_file, fetch_json

HUB = "https://huggingface.co"
DEIT = "https://dl.fbaipublicfiles.com/deit"
_HUB_FILES = ("model.safetensors", "config.json", "preprocessor_config.json")
# No hash is pinned for these: the hub states each file's own, and that is checked.
HUB_MODELS = {
    "ast-speech-commands": "MIT/ast-finetuned-speech-commands-v2",
    "ast-audioset": "MIT/ast-finetuned-audioset-10-10-0.4593",
}
# DeiT's authors put the head of the SHA-256 into the file's name.
DEIT_FILES = {
    "deit-tiny": "deit_tiny_distilled_patch16_224-b40b3cf7.pth",
    "deit-small": "deit_small_distilled_patch16_224-649709d9.pth",
    "deit-base": "deit_base_distilled_patch16_224-df68dfff.pth",
    "deit-base-384": "deit_base_distilled_patch16_384-d0272ac0.pth",
}
NAMES = (*HUB_MODELS, *DEIT_FILES)


def fetch(name: str, folder: Path) -> Path:
    """Fetch released weights into a folder of their name; whole files are not fetched again.

    Args:
        name: One of NAMES.
        folder: Where the folder of that name is made.

    Returns:
        What to give to `convert` or to a recipe's `start`.

    Raises:
        SourceError: The network fails, or a file has another hash than it should.
    """
    target = folder / name
    if name in DEIT_FILES:
        file = DEIT_FILES[name]
        sha256 = file.removesuffix(".pth").rpartition("-")[2]
        fetch_file(Download(url=f"{DEIT}/{file}", path=target / file, sha256=sha256))
        return target / file
    repository = HUB_MODELS[name]
    for download in _hub_downloads(repository, target):
        fetch_file(download)
    return target


def _hub_downloads(repository: str, folder: Path) -> list[Download]:
    """The files of the newest revision, by the hashes that the hub states."""
    url = f"{HUB}/api/models/{repository}?blobs=true"
    names = f"{', '.join(_HUB_FILES[:-1])} and {_HUB_FILES[-1]}"
    listing = fetch_json(url, f"name the folder of its {names} in place of {folder}")
    try:
        revision = listing["sha"]
        files = {item["rfilename"]: item for item in listing["siblings"]}
        return [
            Download(
                url=f"{HUB}/{repository}/resolve/{revision}/{name}",
                path=folder / name,
                sha256=files[name].get("lfs", {}).get("sha256", ""),
                git_blob=files[name].get("blobId", ""),
            )
            for name in _HUB_FILES
        ]
    except (KeyError, TypeError, AttributeError) as err:
        raise SourceError(f"{url} does not list {', '.join(_HUB_FILES)}; try again later") from err
