"""What the process that forks has imported, and therefore each command that it forks.

Loaded by multiprocessing's fork server alone: see tests/forks.py.
"""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
from pathlib import Path

# else the libraries of numpy would start threads
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
# what they import late, too
for _name in (
    *("dbt.cli.main", "dbt.adapters.clickhouse", "dbt.task.build", "sqlparse"),
    *("apprise", "httpcore", "numpy"),
):
    importlib.import_module(_name)
for _package in ("extract", "report", "notify"):
    for _module in pkgutil.iter_modules(importlib.import_module(_package).__path__):
        if _module.name != "__main__":
            importlib.import_module(f"{_package}.{_module.name}")
# a process with threads is not safe to fork; chdb and pyarrow start some when they are imported
if len(list(Path("/proc/self/task").iterdir())) > 1:
    raise RuntimeError("an import started a thread in the process that forks")
# else each collection in a forked process would copy all that is loaded
gc.freeze()
