"""Compiles the native kernels when longhand is installed; without a compiler it is installed without them."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class NativeKernels(BuildHookInterface):
    """A wheel carries the libraries of every instruction set; an editable install that of this processor."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and let the wheel say which platform it is for."""
        code = runpy.run_path(str(Path(self.root) / "src" / "longhand" / "native" / "build.py"))
        kinds = code["best_instruction_sets"]()[:1] if version == "editable" else code["instruction_sets"]()
        try:
            built = code["build"](kinds)
        except RuntimeError as error:
            self.app.display_warning(f"longhand is installed without its native kernels, and slower: {error}")
            return
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{_platform_tag()}"
        build_data["artifacts"] += [f"/{path.relative_to(self.root).as_posix()}" for path in built]


def _platform_tag() -> str:
    import sysconfig

    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
