"""What pyproject.toml cannot say: the pages of docs/ travel in the wheel, where `staghunt docs` finds them."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PAGES = Path("docs")


class BuildWithPages(build_py):
    """Copy packages, and `docs/**/*.md` to `experiments/docs`."""

    def run(self) -> None:
        """Build; an editable installation reads the pages where they are."""
        super().run()
        if not self.editable_mode:
            for page, copy in self._pages().items():
                self.mkpath(str(Path(copy).parent))
                self.copy_file(page, copy)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Files that the build makes."""
        pages = [] if self.editable_mode else list(self._pages().values())
        return [*super().get_outputs(include_bytecode), *pages]

    def _pages(self) -> dict[str, str]:
        home = Path(self.build_lib) / "experiments" / "docs"
        return {str(page): str(home / page.relative_to(PAGES)) for page in sorted(PAGES.rglob("*.md"))}


setup(cmdclass={"build_py": BuildWithPages})
