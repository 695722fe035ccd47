"""Nothing in the program can run what a file says: the calls that could are not in its source."""

import ast
from collections.abc import Iterator

import pytest
from program import ROOT

SOURCES = sorted(
    path for top in ("engine", "kws_app", "training") for path in (ROOT / top).rglob("*.py")
)
# Each can be made to run code by what it reads, or to read and write anywhere.
MODULES = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "yaml", "code", "zipimport"}
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "pickle.load"}
# Keyword arguments without which a call is none of ours.
NEEDED = {
    "torch.load": {"weights_only": True},
    "np.load": {"allow_pickle": False},
    "numpy.load": {"allow_pickle": False},
    "tar.extract": {"filter": "data"},
    "tar.extractall": {"filter": "data"},
}
# What makes an ONNX session must be given bytes that were looked at; this file sees to it.
SESSIONS = {
    "engine/backends/onnxruntime.py",
    "kws_app/gui/attention.py",
    "training/card/macs.py",
    "training/precision.py",  # of what was just exported
}


def calls(tree: ast.AST) -> Iterator[tuple[str, dict[str, object]]]:
    """Dotted name and constant keyword arguments of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            constants = {
                item.arg: item.value.value
                for item in node.keywords
                if item.arg and isinstance(item.value, ast.Constant)
            }
            yield ast.unparse(node.func), constants


def faults(text: str) -> list[str]:
    tree = ast.parse(text)
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        found += [f"imports {name}" for name in names if name.split(".")[0] in MODULES]
    for name, constants in calls(tree):
        if name in CALLS:
            found.append(f"calls {name}")
        needed = NEEDED.get(name, {})
        found += [
            f"calls {name} without {key}={value}"
            for key, value in needed.items()
            if constants.get(key) != value
        ]
        if constants.get("shell") is True or constants.get("trust_remote_code") is True:
            found.append(f"calls {name} with what runs text")
    return found


def test_no_call_runs_what_a_file_says() -> None:
    assert len(SOURCES) > 200
    found = {str(path.relative_to(ROOT)): faults(path.read_text()) for path in SOURCES}
    assert {path: what for path, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "np.load(path)",
        "tar.extractall(folder)",
        "subprocess.run('x', shell=True)",
        "AutoModel.from_pretrained('x', trust_remote_code=True)",
        "eval(text)",
    ],
)
def test_what_would_be_found(text: str) -> None:
    assert faults(text)


def test_every_onnx_session_is_known() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if any(name.endswith("InferenceSession") for name, _ in calls(ast.parse(path.read_text())))
    }
    assert found == SESSIONS
