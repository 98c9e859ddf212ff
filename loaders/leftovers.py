"""What dlt 1.31 leaves in a pipeline's folder, and what it stumbles over there after a kill.

A package goes through `normalize/extracted`, `load/new`, `load/normalized` and `load/loaded`. Every
step ends with a rename and tidies up behind it; killed in between, it finds its own traces in the
next run, and refuses them in every run after that.
"""

import shutil
from pathlib import Path


def sweep_up(home: Path) -> None:
    """Finish the step in which a run was killed, before the next one begins.

    Parameters
    ----------
    home
        The pipeline's folder; it need not exist yet.
    """
    # Written and not yet renamed: dlt takes every file here for a schema, and refuses its name.
    for path in (home / "schemas").glob("*"):
        if not path.name.endswith(".schema.json"):
            path.unlink()
    # Begun and never gone on with: dlt begins anew, and nobody looks here again.
    for begun in (home / "normalize").glob("*/"):
        if begun.name != "extracted":
            shutil.rmtree(begun)
    # Normalized and not yet deleted, or only half: dlt would normalize it again. As it comes here
    # by a rename, what is not whole was on its way out.
    for package in (home / "normalize" / "extracted").glob("*"):
        is_normalized = (home / "load" / "normalized" / package.name).exists()
        is_whole = (package / "schema.json").exists() and (package / "new_jobs").exists()
        if is_normalized or not is_whole:
            shutil.rmtree(package)
    # Loaded and marked so, but not yet moved: dlt would complete it a second time.
    for mark in (home / "load" / "normalized").glob("*/package_completed.json"):
        mark.parent.rename(home / "load" / "loaded" / mark.parent.name)
    clear_loaded(home)


def clear_loaded(home: Path) -> None:
    """Delete the packages that have landed.

    dlt deletes their rows and keeps a folder of each for good: some ten files, a second's batch.

    Parameters
    ----------
    home
        The pipeline's folder.
    """
    for package in (home / "load" / "loaded").glob("*"):
        shutil.rmtree(package)
