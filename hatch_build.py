"""Builds the engines' scans with the C compiler at hand; without one, the package does the same in NumPy."""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("src/countenance/adapters/exact")
FLAGS = ("-O3", "-std=gnu11", "-shared", "-fPIC")


class ScanBuildHook(BuildHookInterface[Any]):
    """Compiles the scans beside their sources and puts the result into the wheel, which then is one platform's."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Compile, or say that it was not done."""
        if self.target_name != "wheel":
            return
        *sources, library = (Path(self.root) / FOLDER / name for name in ("scan.c", "sift.c", "scan.so"))
        compiler = shlex.split(os.environ.get("CC", "cc"))
        if shutil.which(compiler[0]) is None:
            sys.stderr.write(f"no C compiler {compiler[0]!r}: the exact engine will scan with NumPy, which is slower\n")
            return
        made = library.with_suffix(".new")
        subprocess.run([*compiler, *FLAGS, *map(str, sources), "-o", str(made), "-lm"], check=True)  # noqa: S603 - our own
        made.replace(library)
        build_data["artifacts"].append(str(FOLDER / library.name))
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
