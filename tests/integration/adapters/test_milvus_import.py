"""Importing the Milvus adapter: what lies about in a folder changes nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
IMPORT = "import countenance.adapters.milvus.server"


def environment_after(code: str, folder: Path) -> dict[str, str]:
    """Run code in a folder, and return the environment that it leaves behind."""
    words = (sys.executable, "-c", f"{code}; {SHOW}")
    shown = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout
    left: dict[str, str] = json.loads(shown)
    return left


@pytest.mark.parametrize("set_before", [None, "0"])
def test_a_planted_env_file_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_before: str | None
) -> None:
    (tmp_path / ".env").write_text("MILVUS_URI=http://planted:19530\nCOUNTENANCE_USER=planted\nPLANTED=1\n")
    monkeypatch.delenv("COUNTENANCE_USER", raising=False)
    monkeypatch.delenv("PYTHON_DOTENV_DISABLED", raising=False)
    if set_before is not None:
        monkeypatch.setenv("PYTHON_DOTENV_DISABLED", set_before)
    before = environment_after("pass", tmp_path)
    assert "PLANTED" not in before

    # The file is one that would be read: pymilvus by itself does.
    assert environment_after("import pymilvus", tmp_path)["PLANTED"] == "1"
    assert environment_after(IMPORT, tmp_path) == before
